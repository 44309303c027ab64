#!/usr/bin/env python3
"""Runs the PyPI package `flask-daapserver`, which was written for Python 2, on a free port of 127.0.0.1.

    serve_flask_daapserver.py build SOURCE
    serve_flask_daapserver.py serve SOURCE SONGS NAME [PASSWORD]

SONGS is the manifest of foreign_songs.py. A line on standard input adds a song to the share (`+` and its place in the
manifest) or takes it away (`-`).
"""
import builtins
import glob
import inspect
import io
import json
import os
import sys
import types

# What daap.pyx says of texts that Python 3 has in bytes: (as it was written, as it is built).
TEXTS = [("self.code, length, str(data)", "self.code.encode(), length, bytes(data)"),
         ("packing, self.code, length, value", "packing, self.code.encode(), length, value")]


def build(source):
    """Compiles the package where it lies."""
    from setuptools import setup    # before Cython, which builds by it then
    from Cython.Build import cythonize
    os.chdir(source)
    path = os.path.join("daapserver", "daap.pyx")
    with open(path, encoding="utf-8") as f:
        code = f.read()
    for written, built in TEXTS:
        if written not in code:
            raise SystemExit("%s has no %r" % (path, written))
        code = code.replace(written, built)
    with open(path, "w", encoding="utf-8") as f:
        f.write(code)
    modules = cythonize(sorted(glob.glob("daapserver/*.pyx")), language_level=2, quiet=True)
    setup(name="daapserver", packages=["daapserver"], ext_modules=modules, script_args=["-q", "build_ext", "--inplace"])


def python_2():
    """Gives the package what it expects of Python, and no mDNS."""
    builtins.basestring = str
    sys.maxint = sys.maxsize
    inspect.getargspec = lambda function: inspect.getfullargspec(function)[:4]
    for name, parts in (("cStringIO", {"StringIO": io.BytesIO}), ("zeroconf", {"ServiceInfo": None, "Zeroconf": None})):
        sys.modules[name] = types.ModuleType(name)
        vars(sys.modules[name]).update(parts)


def provider_of(songs, name):
    """The songs as the package wants them; every second one is in a playlist."""
    from daapserver import provider
    from daapserver.models import Container, ContainerItem, Database, Item, Server

    class Sessions(dict):
        itervalues = dict.values

    class Songs(provider.LocalFileProvider):
        def __init__(self):
            super().__init__()
            self.sessions = Sessions()
            self.server = Server(name=name)
            self.database = Database(id=1, name=name)
            self.server.databases.add(self.database)
            self.lists = [Container(id=1, name=name, is_base=True), Container(id=2, name="Every second")]
            for container in self.lists:
                self.database.containers.add(container)
            for number in range(len(songs)):
                self.put(number)
            self.update()

        def lists_of(self, number):
            return self.lists if number % 2 else self.lists[:1]

        def put(self, number):
            song = songs[number]
            self.database.items.add(Item(
                id=number + 1, name=song["title"], artist=song["artist"], album=song["album"], genre=song["genre"],
                album_artist=song["albumartist"], track=song["track"], year=song["year"], duration=song["time"],
                bitrate=song["bitrate"], file_size=song["size"], file_name=song["path"], file_type="audio/" + song["format"],
                file_suffix=song["format"], album_art=song["cover"]))
            for container in self.lists_of(number):
                container.container_items.add(ContainerItem(id=number + 1, item_id=number + 1))

        def take(self, number):
            self.database.items.remove(self.database.items[number + 1])
            for container in self.lists_of(number):
                container.container_items.remove(container.container_items[number + 1])

        def commit(self):
            """What holds something that has changed counts as changed."""
            for container in self.lists:
                self.database.containers.add(container)
            self.server.databases.add(self.database)
            self.update()

    return Songs()


def edits(provider):
    """Does what each line of standard input says, once somebody waits for news: who asks later is told only of the next."""
    import gevent
    from gevent.fileobject import FileObject
    for line in FileObject(sys.stdin.buffer, "rb"):
        while not provider.next_revision_available.linkcount():
            gevent.sleep(0.01)
        sign, number = line.decode()[0], int(line[1:])
        (provider.put if sign == "+" else provider.take)(number)
        provider.commit()


def serve(source, manifest, name, password=None):
    sys.path.insert(0, source)
    python_2()
    import gevent
    from gevent.pywsgi import WSGIServer
    from daapserver import create_server_app
    with open(manifest, encoding="utf-8") as f:
        provider = provider_of(json.load(f), name)
    # Its cache was made for texts that are bytes.
    server = WSGIServer(("127.0.0.1", 0), create_server_app(provider, password, cache=False))
    server.start()
    print("listening on http://127.0.0.1:%d (%s)" % (server.server_port, name), flush=True)
    gevent.spawn(edits, provider)
    server.serve_forever()


if __name__ == "__main__":
    {"build": build, "serve": serve}[sys.argv[1]](*sys.argv[2:])
