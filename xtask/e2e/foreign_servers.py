"""The DAAP servers that others wrote, installed by name and run on a free port of 127.0.0.1, announced nowhere.

libdmapsharing    Debian's C library, behind Rhythmbox and grilo
flask-daapserver  PyPI, 2015, for Python 2: databases and revisions, with long polls and deltas
spydaap           PyPI, 2018, for Python 2: scans a folder; Exaile's server
canary            npm, still developed: scans a folder of MP3 and Ogg

The one that only runs on Python 2 is told so in its launcher, in the folder foreign.
"""
import json
import os
import shutil
import subprocess
import sys

import e2e
import libdmapsharing

LAUNCHERS = os.path.join(e2e.HERE, "foreign")
NAME = "Other people's songs"
MUTAGEN = "mutagen==1.47.0"
SPYDAAP = "spydaap==0.2"
CANARY = "canary@0.5.5"
CANARY_SONGS = "canary-songs"
FLASK_DAAPSERVER = "flask-daapserver==3.0.2"
# What it was written for, as far as Python 3.11 runs it. setuptools of that age takes its setup.py.
ITS_AGE = ["setuptools==57.5.0", "cython==0.29.37", "flask==1.1.4", "werkzeug==0.16.1", "jinja2==2.11.3",
           "markupsafe==2.0.1", "itsdangerous==1.1.0", "click==7.1.2", "gevent==26.9.0"]
INSTALL_S = 300


def launched(*command, **options):
    """A server by its launcher, which says where it listens."""
    return e2e.Program([str(part) for part in command], **options)


def installed(*command, **options):
    done = e2e.run(*command, timeout=INSTALL_S, **options)
    if done.returncode:
        raise RuntimeError("%s: %s" % (" ".join(map(str, command[:6])), (done.stderr or done.stdout)[-600:]))


def pip(folder, *packages, dependencies=False):
    """Installs packages into a folder of their own."""
    installed(sys.executable, "-m", "pip", "install", "--quiet", "--no-warn-script-location", "--target", folder,
              *([] if dependencies else ["--no-deps"]), *packages)


def serve_libdmapsharing(songs, password=None):
    # Its durations are whole seconds.
    columns = [("location", "path"), ("title", "title"), ("songartist", "artist"), ("songalbum", "album"), ("songgenre", "genre"),
               ("format", "format"), ("track", "track"), ("disc", "disc"), ("year", "year"), ("filesize", "size"), ("bitrate", "bitrate")]
    lines = [[name for name, _ in columns] + ["duration", "mediakind"]]
    lines += [[str(song[key]) for _, key in columns] + [str(song["time"] // 1000), "1"] for song in songs]
    table = os.path.join(e2e.fresh("libdmapsharing"), "songs.tsv")
    with open(table, "w", encoding="utf-8") as f:
        f.writelines("\t".join(line) + "\n" for line in lines)
    # No D-Bus, so no mDNS.
    wrap = ["env", "DBUS_SYSTEM_BUS_ADDRESS=unix:path=" + os.path.join(e2e.WORK, "no-bus")]
    return launched(*wrap, libdmapsharing.build(), "serve", table, NAME, *([password] if password else []))


def serve_flask_daapserver(songs, password=None):
    launcher = os.path.join(LAUNCHERS, "serve_flask_daapserver.py")

    def make(folder):
        libraries = os.path.join(folder, "libraries")
        pip(libraries, *ITS_AGE, dependencies=True)
        env = dict(os.environ, PYTHONPATH=libraries, CFLAGS="-O0")
        # pip builds what it downloads. This just unpacks it.
        arguments = ["-q", "easy_install", "--editable", "--build-directory", folder, FLASK_DAAPSERVER]
        fetch = "from setuptools import setup; setup(name='fetch', script_args=%r)" % arguments
        installed(sys.executable, "-W", "ignore", "-c", fetch, env=env, cwd=folder)
        installed(sys.executable, launcher, "build", os.path.join(folder, "flask-daapserver"), env=env)

    folder = e2e.cached(FLASK_DAAPSERVER, make)
    manifest = os.path.join(e2e.fresh("flask-daapserver"), "songs.json")
    with open(manifest, "w", encoding="utf-8") as f:
        json.dump(songs, f)
    return launched("env", "PYTHONPATH=" + os.path.join(folder, "libraries"), sys.executable, "-W", "ignore", launcher, "serve",
                    os.path.join(folder, "flask-daapserver"), manifest, NAME, *([password] if password else []), stdin=subprocess.PIPE)


def serve_spydaap(songs):
    folder = e2e.cached(SPYDAAP, lambda folder: pip(folder, SPYDAAP, MUTAGEN))
    return launched(sys.executable, os.path.join(LAUNCHERS, "serve_spydaap.py"), folder, folder_of(songs, "spydaap-songs"),
                    e2e.fresh("spydaap-state"), NAME)


def serve_canary(songs, password=None):
    folder = e2e.cached(CANARY, lambda folder: installed(
        "npm", "install", "--prefix", folder, "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel", "error", CANARY))
    state = e2e.fresh("canary-state")
    settings = {"server": {"name": NAME, "port": 0, "password": password, "db": "nedb", "mdns": "off", "web": False, "debug": False,
                           "scan": {"path": [folder_of(songs, CANARY_SONGS)], "cycle": ["17:00:00"], "utc": False}},
                "db.ne": {"path": os.path.join(state, "db")}}
    os.makedirs(settings["db.ne"]["path"])
    for name, content in settings.items():
        with open(os.path.join(state, name + ".json"), "w", encoding="utf-8") as f:
            json.dump(content, f)
    return launched("node", os.path.join(LAUNCHERS, "serve_canary.mjs"), os.path.join(folder, "node_modules", "canary"), state, NAME)


def folder_of(songs, name):
    """A folder with just these songs."""
    folder = e2e.fresh(name)
    for song in songs:
        shutil.copy(song["path"], folder)
    return folder
