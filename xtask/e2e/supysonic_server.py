"""Debian's supysonic on 127.0.0.1: a Subsonic server of others that speaks version 1.10.2 of the protocol.

It takes no token for a password, and finds nothing by searching for nothing.
"""
import json
import os
import sqlite3
import tempfile
import urllib.parse
import urllib.request
import uuid

import e2e

USER, PASSWORD = "accept", "sesame"
PYTHON = "/usr/bin/python3"     # the one that Debian's packages are made for
MEMORY_FOLDER = "/dev/shm"      # it waits for the disk at every song of a scan
SERVE = """
import sys
from supysonic.web import create_application
from werkzeug.serving import run_simple
run_simple("127.0.0.1", int(sys.argv[1]), create_application(), threaded=True)
"""
CONFIGURATION = """
[base]
database_uri = sqlite:///{0}/supysonic.db
[webapp]
cache_dir = {0}/cache
mount_webui = off
[daemon]
socket = {0}/daemon.sock
"""


class Supysonic(e2e.Program):
    """It has looked through a folder of music and serves it."""

    def __init__(self, music):
        self.music = music
        in_memory = MEMORY_FOLDER if os.path.isdir(MEMORY_FOLDER) else None
        self.home = tempfile.TemporaryDirectory(prefix="supysonic-", dir=in_memory)
        with open(os.path.join(self.home.name, ".supysonic"), "w", encoding="utf-8") as f:
            f.write(CONFIGURATION.format(self.home.name))
        self.command("user", "add", "--password", PASSWORD, USER)
        self.command("folder", "add", "music", music)
        self.scan()
        port = e2e.free_port()
        super().__init__([*self._at_home(), PYTHON, "-c", SERVE, str(port)], address=("127.0.0.1", port))

    def __exit__(self, *_):
        self.kill()
        self.home.cleanup()

    def _at_home(self):
        return ["env", "HOME=" + self.home.name]

    def command(self, *words):
        """What an administrator does; what it says of that."""
        done = e2e.run(*self._at_home(), "supysonic-cli", *words, cwd=self.home.name)
        if done.returncode:
            raise RuntimeError("supysonic-cli %s: %s" % (words[0], done.stderr[-300:]))
        return done.stdout

    def scan(self):
        """Has it look for files."""
        return self.command("folder", "scan", "--foreground")

    def api(self, method, **parameters):
        """An answer of its API; a refusal is an error."""
        pairs = dict(parameters, u=USER, p="enc:" + PASSWORD.encode().hex(), v="1.10.2", c="e2e", f="json")
        body = urllib.parse.urlencode(pairs, doseq=True).encode()
        with urllib.request.urlopen("%s/rest/%s.view" % (self.url, method), body, timeout=60) as answer:
            answer = json.load(answer)["subsonic-response"]
        if answer["status"] != "ok":
            raise RuntimeError("%s: %s" % (method, answer["error"]))
        return answer

    def ids(self):
        """Its ids of the songs, by their paths in the folder."""
        database = sqlite3.connect("file:%s/supysonic.db?mode=ro" % self.home.name, uri=True)
        try:
            songs = database.execute("SELECT path, id FROM track").fetchall()
        finally:
            database.close()
        return {os.path.relpath(path, self.music): str(uuid.UUID(bytes=number)) for path, number in songs}

    def asked(self, method):
        """The parameters of each time that it was asked for something, from its log."""
        targets = (line.split('"')[1].split()[1] for line in self.log_text().splitlines() if "/rest/%s" % method in line)
        return [dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(target).query)) for target in targets]
