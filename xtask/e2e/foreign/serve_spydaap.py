#!/usr/bin/env python3
"""Runs the PyPI package `spydaap`, which was written for Python 2, on a free port of 127.0.0.1.

    serve_spydaap.py PACKAGE MUSIC STATE NAME

PACKAGE is the folder that pip installed it to. What it needs of Python 2 is given to it as it is imported: 2to3, integer
division, and strings that hold bytes (here: texts of the characters 0 to 255).
"""
import ast
import builtins
import hashlib
import http.server
import importlib.abc
import importlib.util
import io
import os
import struct
import sys
import types
import warnings

warnings.simplefilter("ignore", DeprecationWarning)
from lib2to3 import refactor


# ------------------------------------------------------------------ strings

def raw(text):
    """The bytes of a string of Python 2."""
    return str.encode(text, "latin-1") if isinstance(text, str) else text


class Bytes(str):
    """A string of Python 2: it encodes to itself."""

    def __new__(cls, content):
        return super().__new__(cls, content.decode("latin-1") if isinstance(content, bytes) else content)

    def encode(self, *_):
        return raw(self)


class Unicode(type):
    def __instancecheck__(cls, value):
        return isinstance(value, str)

    def __call__(cls, value, encoding=None):
        return raw(value).decode(encoding) if encoding else str(value)


class File(io.TextIOWrapper):
    """A file of Python 2."""

    next = io.TextIOWrapper.__next__

    def __init__(self, path, mode="r"):
        binary = io.FileIO(raw(path), mode)
        buffer = io.BufferedReader(binary) if mode == "r" else io.BufferedWriter(binary)
        super().__init__(buffer, encoding="latin-1", newline="\n")

    def read(self, *size):
        return Bytes(super().read(*size))


def pack(form, *values):
    return Bytes(struct.pack(form, *map(raw, values)))


def unpack(form, text):
    return tuple(Bytes(value) if isinstance(value, bytes) else value for value in struct.unpack(form, raw(text)))


STRUCT = types.SimpleNamespace(pack=pack, unpack=unpack, calcsize=struct.calcsize, error=struct.error)


# ------------------------------------------------------------------ import

class Importer(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds the package's modules and turns them into Python 3."""

    def __init__(self, folder):
        # Its texts are told from its strings by the class above.
        fixers = [name for name in refactor.get_fixers_from_package("lib2to3.fixes") if not name.endswith("_unicode")]
        self.folder, self.tool = folder, refactor.RefactoringTool(fixers)

    def find_spec(self, name, _path, _target=None):
        base = os.path.join(self.folder, *name.split("."))
        if name.split(".")[0] != "spydaap":
            return None
        if os.path.isdir(base):
            return importlib.util.spec_from_file_location(name, os.path.join(base, "__init__.py"), loader=self,
                                                          submodule_search_locations=[base])
        return importlib.util.spec_from_file_location(name, base + ".py", loader=self)

    def exec_module(self, module):
        path = module.__spec__.origin
        with open(path, encoding="utf-8") as f:
            tree = ast.parse(str(self.tool.refactor_string(f.read() + "\n", path)))
        for node in ast.walk(tree):
            if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
                node.op = ast.FloorDiv()
        names = vars(module)
        names["open"] = File
        exec(compile(tree, path, "exec"), names)
        for name, ours in (("struct", STRUCT), ("md5", lambda text: hashlib.md5(raw(text)))):
            if name in names:
                names[name] = ours


# ------------------------------------------------------------------ server

class Answer:
    """Where a handler writes: strings, and what gives strings one after the other."""

    def __init__(self, file):
        self.file = file

    def write(self, content):
        for part in [content] if isinstance(content, (str, bytes)) else content:
            self.file.write(raw(part))

    def __getattr__(self, name):
        return getattr(self.file, name)


def serve(package, music, state, name):
    sys.path.insert(0, package)
    sys.meta_path.insert(0, Importer(package))
    builtins.file = File
    builtins.unicode = Unicode("unicode", (), {})
    os.environ["HOME"] = state    # it makes a folder there as it is imported
    import spydaap
    import spydaap.cache
    import spydaap.containers
    import spydaap.metadata
    import spydaap.server

    songs = spydaap.metadata.MetadataCache(os.path.join(state, "songs"), spydaap.parsers)
    songs.build(music)
    playlists = spydaap.container_list + [spydaap.playlists.FilenameContains(".flac")]
    containers = spydaap.containers.ContainerCache(os.path.join(state, "playlists"), playlists)
    containers.build(songs)
    replies = spydaap.cache.Cache(os.path.join(state, "replies"))

    class Handler(spydaap.server.makeDAAPHandlerClass(name, replies, songs, containers)):
        def setup(self):
            super().setup()
            self.wfile = Answer(self.wfile)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print("listening on http://127.0.0.1:%d (%s)" % (server.server_port, name), flush=True)
    server.serve_forever()


if __name__ == "__main__":
    serve(*sys.argv[1:])
