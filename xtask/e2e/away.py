#!/usr/bin/env python3
"""A music folder that vanishes, as an unmounted disk does, costs no song: all stay listed and come back as they were."""
import os

import e2e
import own_tracks

TITLES = ["A", "B", "C"]
META = "dmap.itemid,dmap.itemname,dmap.persistentid,daap.songsize,daap.songformat"
NOTICED_S, BACK_S = 10, 20


class Away:
    def __init__(self, checks, server):
        self.checks, self.server = checks, server
        self.client = server.client().open()
        self.songs = self.client.items(META)

    def stream(self):
        """The status of a request for the first song's bytes."""
        return self.client.get(self.client.song_path(self.songs[0]))[0]

    def vanishes(self, name, go, come_back):
        """`go` takes the songs away, `come_back` brings them."""
        revision = self.client.update(1)
        go()
        gone = e2e.wait_for(lambda: self.server.status()["scan"]["state"] == "failed", NOTICED_S)
        self.checks.check(gone, name + "-is-noticed", self.server.status()["scan"])
        self.checks.equal(name + "-songs-stay-listed", self.client.items(META), self.songs)
        self.checks.equal(name + "-no-revision", self.client.update(1), revision)
        self.checks.check(self.stream() in (404, 503), name + "-streams-say-so", self.stream())
        come_back()
        back = e2e.wait_for(lambda: self.server.status()["scan"]["state"] == "idle", BACK_S)
        self.checks.check(back, name + "-is-back", self.server.status()["scan"])
        self.checks.equal(name + "-ids-the-same", self.client.items(META), self.songs)
        self.checks.equal(name + "-streams-again", self.stream(), 200)


def main():
    checks = e2e.Checks()
    folder, spare = e2e.fresh("music"), e2e.fresh("spare")
    for title in TITLES:
        own_tracks.tone(os.path.join(folder, title + ".mp3"), dict(title=title))
    elsewhere = folder + "-elsewhere"

    def move_all(source, target):
        for name in os.listdir(source):
            os.rename(os.path.join(source, name), os.path.join(target, name))
    with e2e.Server(folder) as server:
        server.scanned(len(TITLES))
        away = Away(checks, server)
        away.vanishes("folder", lambda: os.rename(folder, elsewhere), lambda: os.rename(elsewhere, folder))
        away.vanishes("content", lambda: move_all(folder, spare), lambda: move_all(spare, folder))
        own_tracks.tone(os.path.join(folder, "D.mp3"), dict(title="D"))
        checks.check(e2e.wait_for(lambda: server.songs() == len(TITLES) + 1, 5), "changes-are-followed-again", server.songs())
        server.check_end(checks)
    checks.finish()


main()
