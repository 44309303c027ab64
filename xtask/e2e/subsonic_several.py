#!/usr/bin/env python3
"""A folder and two Subsonic servers in one `dapple serve`: each a database, one of them among the folder's songs as well, the
other also a share of its own.
"""
import os
import re

import bad_server
import client
import daap
import e2e
import own_tracks
from bad_subsonic import Subsonic

HERE = len(own_tracks.TRACKS)
JOES, RADIOS = ["Jet", "Bluebird", "Let Me Roll It"], ["Interview", "Concert"]
SYNCED_WITHIN_S = 20
CONFIGURATION = """
[[subsonic]]
url = "{joe}"
user = "joe"
password = "sesame"
name = "Joe's music"
in_library = true

[[subsonic]]
url = "{radio}"
api_key = "k"
name = "Radio"
share = "Radio archive"
"""


def configuration(joe, radio):
    path = os.path.join(e2e.WORK, "dapple.toml")
    with open(path, "w", encoding="utf-8") as f:
        f.write(CONFIGURATION.format(joe=joe.url, radio=radio.url))
    os.chmod(path, 0o600)
    return path


class Several:
    def __init__(self, checks, server, joe, radio):
        self.checks, self.server, self.joe, self.radio = checks, server, joe, radio

    def counts(self):
        return {database["name"]: database["items"] for database in self.server.status()["databases"]}

    def databases(self):
        wanted = {"Test share": HERE + len(JOES), "Joe's music": len(JOES), "Radio": len(RADIOS)}
        e2e.wait_for(lambda: self.counts() == wanted, SYNCED_WITHIN_S)
        self.checks.equal("databases", self.counts(), wanted)
        listed = client.listed(self.server.url, "--database", "Joe's music")
        self.checks.equal("a-database-lists-its-songs", sorted(row["title"] for row in listed), sorted(JOES))

    def streams(self):
        """The same song in two databases is one download; songs with the same id on two servers are two."""
        connected = self.server.client().open()
        for database in daap.rows(connected.tree("/databases")):
            connected.database = database[b"miid"]
            theirs = self.radio if database[b"minm"] == "Radio" else self.joe
            song = next(song for song in connected.items() if song[b"minm"] == theirs.titles[0])
            _, _, body = connected.get(connected.song_path(song))
            self.checks.check(body == theirs.songs[0], "streams from %s" % database[b"minm"], len(body))
        self.checks.equal("each-server-is-asked-once", (self.joe.streamed(0), self.radio.streamed(0)), (1, 1))

    def share_of_its_own(self):
        heard = re.fullmatch(r"listening on (\S+) \(Radio archive\)", self.server.line(5) or "")
        if self.checks.check(heard, "a-share-of-its-own-is-told"):
            connected = daap.Client(heard.group(1)).open()
            databases = daap.rows(connected.tree("/databases"))
            self.checks.equal("it-has-one-database", len(databases), 1)
            self.checks.equal("it-has-its-songs-alone", sorted(song[b"minm"] for song in connected.items()), sorted(RADIOS))

    def one_is_lost(self):
        before = self.counts()
        self.radio.spoil = lambda *_: bad_server.status(500)
        names = ("Joe's music", "Radio", "Nobody")
        codes = [client.dapple("sync", name, "--server", self.server.url).returncode for name in names]
        self.checks.equal("each-is-looked-at-by-itself", codes, [0, 2, 1])
        self.checks.equal("what-is-lost-stays-listed", self.counts(), before)


def main():
    checks = e2e.Checks()
    folder = e2e.cached("own", own_tracks.make)
    with Subsonic(titles=JOES) as joe, Subsonic(titles=RADIOS, size=200_000) as radio:
        with e2e.Server(folder, options=("--config", configuration(joe, radio))) as server:
            several = Several(checks, server, joe, radio)
            for act in (several.databases, several.streams, several.share_of_its_own, several.one_is_lost):
                with checks.step(act.__name__):
                    act()
            server.check_end(checks)
    checks.finish()


if __name__ == "__main__":
    main()
