#!/usr/bin/env python3
"""A client that hangs in /update is woken within two seconds of a change in the folder, and its delta lists just that."""
import os
import shutil
import threading
import time

import daap
import e2e
import own_tracks

WOKEN_S = 2.0
STILL_S = 3.0
QUIET_S = 0.7
META = "dmap.itemid,dmap.itemname,dmap.persistentid,daap.songartist,daap.songformat"


class Poll:
    """An /update that hangs in a thread of its own."""

    def __init__(self, server, client):
        self.client = server.client()
        self.client.session = client.session
        self.answer = self.at = None
        self.thread = threading.Thread(target=self._run, args=(client.revision,), daemon=True)
        self.thread.start()

    def _run(self, seen):
        try:
            self.answer = self.client.update(seen, timeout=90)
        except Exception as error:
            self.answer = error
        self.at = time.monotonic()

    def woken(self, seconds):
        self.thread.join(seconds)
        return not self.thread.is_alive()


class Live:
    """A client that holds what a server lists. Changes of the folder behind it must arrive `within` so many seconds."""

    def __init__(self, checks, server, folder, within=WOKEN_S):
        self.checks, self.server, self.folder, self.within = checks, server, folder, within
        self.client = server.client().open()
        self.songs = {song[b"miid"]: song for song in self.client.items(META)}

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def by_name(self, name):
        return next(song for song in self.songs.values() if song[b"minm"] == name)

    def change(self, name, act, listed=(), gone=()):
        """Does something to the folder while two clients hang, and checks what they are told.

        `listed` are the titles in the delta, `gone` the ids that it says went. A folder of songs may come in
        several deltas, all of them in time."""
        with self.checks.step(name):
            polls = [Poll(self.server, self.client), Poll(self.server, self.client)]
            self.checks.check(not polls[0].woken(QUIET_S), name + "-held-before", polls[0].answer)
            began = time.monotonic()
            act()
            good = all(poll.woken(self.within + 10) for poll in polls)
            took = max(poll.at or began + 99 for poll in polls) - began
            self.checks.check(good and took <= self.within, name + "-wakes", "after %.2f s: %s" % (took, polls[0].answer))
            if not good:
                return
            got_listed, got_gone = self.follow(polls[0].answer)
            done = time.monotonic() if len(got_listed) == len(listed) and len(got_gone) == len(gone) else None
            # What more comes: the rest of a folder of songs, or something that should not.
            while (poll := Poll(self.server, self.client)).woken(QUIET_S):
                more_listed, more_gone = self.follow(poll.answer)
                got_listed, got_gone, done = got_listed | more_listed, got_gone | more_gone, poll.at
            self.checks.check(done and done - began <= self.within, name + "-all-in-time", "after %.2f s" % ((done or began + 99) - began))
            self.checks.equal(name + "-delta-lists", sorted(got_listed.values()), sorted(listed))
            self.checks.equal(name + "-delta-gone", sorted(got_gone), sorted(gone))
            whole = {song[b"miid"]: song for song in self.client.items(META)}
            self.checks.check(whole == self.songs, name + "-deltas-make-the-whole", "%d songs" % len(whole))

    def follow(self, revision):
        """Takes a delta as a client does; the songs it lists, by id, and the ids it says are gone."""
        seen, self.client.revision = self.client.revision, revision
        self.checks.check(revision > seen, "revision-grows", "%s after %s" % (revision, seen))
        delta = self.client.items_tree(meta=META, delta=seen)
        listed, gone = daap.rows(delta), daap.gone(delta)
        for row in listed:
            self.songs[row[b"miid"]] = row
        for number in gone:
            self.songs.pop(number, None)
        return {row[b"miid"]: row[b"minm"] for row in listed}, set(gone)


def main():
    checks = e2e.Checks()
    folder, spare = e2e.fresh("music"), e2e.fresh("spare")
    for name in ("Alpha", "Beta", "Gamma"):
        own_tracks.tone(os.path.join(folder, name + ".mp3"), dict(title=name, artist="Someone"))
    own_tracks.tone(os.path.join(folder, "untitled.mp3"), dict(artist="Someone"))
    own_tracks.tone(os.path.join(spare, "Delta.flac"), dict(title="Delta", artist="Someone"))
    own_tracks.tone(os.path.join(spare, "Beta.mp3"), dict(title="Beta, again", artist="Someone"), 3)
    os.mkdir(os.path.join(spare, "Album"))
    for number in (1, 2, 3):
        tags = dict(title="Part %d" % number, artist="Someone", album="Album", track=number)
        own_tracks.tone(os.path.join(spare, "Album", "%d.mp3" % number), tags)
    with e2e.Server(folder) as server:
        server.scanned(4)
        live = Live(checks, server, folder)
        live.change("added", lambda: shutil.copy(os.path.join(spare, "Delta.flac"), folder), ["Delta"])
        live.change("changed", lambda: shutil.copy(os.path.join(spare, "Beta.mp3"), folder), ["Beta, again"])
        untitled = live.by_name("untitled")
        live.change("moved", lambda: os.rename(live.path("untitled.mp3"), live.path("renamed.mp3")), ["renamed"])
        checks.equal("moved-keeps-id", live.by_name("renamed")[b"miid"], untitled[b"miid"])
        checks.equal("moved-keeps-persistent-id", live.by_name("renamed")[b"mper"], untitled[b"mper"])
        live.change("moved-with-a-title", lambda: os.rename(live.path("Alpha.mp3"), live.path("First.mp3")), ["Alpha"])
        os.mkdir(live.path("Below"))
        live.change("moved-down", lambda: os.rename(live.path("First.mp3"), live.path("Below", "First.mp3")), ["Alpha"])
        gone = live.by_name("Gamma")[b"miid"]
        live.change("removed", lambda: os.remove(live.path("Gamma.mp3")), [], [gone])
        moved_in = ["Part 1", "Part 2", "Part 3"]
        live.change("folder-moved-in", lambda: os.rename(os.path.join(spare, "Album"), live.path("Album")), moved_in)
        renamed_folder(checks, live, moved_in)
        parts = [live.by_name(name)[b"miid"] for name in moved_in]
        live.change("folder-removed", lambda: shutil.rmtree(live.path("Elsewhere")), [], parts)
        playlist(checks, live)
        nothing_new(checks, live)
        server.check_end(checks)
    checks.finish()


def renamed_folder(checks, live, titles):
    """A folder under another name: the same songs, with the bytes where they are now."""
    before = {song[b"minm"]: (song[b"miid"], song[b"mper"]) for song in live.songs.values()}
    live.change("folder-renamed", lambda: os.rename(live.path("Album"), live.path("Elsewhere")), titles)
    after = {song[b"minm"]: (song[b"miid"], song[b"mper"]) for song in live.songs.values()}
    checks.equal("folder-renamed-keeps-ids", after, before)
    status, _, body = live.client.get(live.client.song_path(live.by_name("Part 2")))
    with open(live.path("Elsewhere", "2.mp3"), "rb") as f:
        checks.check(status == 200 and body == f.read(), "folder-renamed-streams", status)


def playlist(checks, live):
    """A playlist file appears, changes and goes."""
    def names():
        listed = daap.rows(live.client.tree("/databases/%d/containers" % live.client.database, meta="dmap.itemid,dmap.itemname"))
        return {row[b"minm"]: row[b"mimc"] for row in listed if b"abpl" not in row}

    def write(*lines):
        with open(live.path("Mine.m3u8"), "w", encoding="utf-8") as f:
            f.write("\n".join(["#EXTM3U", *lines, ""]))
    live.change("playlist-added", lambda: write("Below/First.mp3", "Beta.mp3"))
    checks.equal("playlist-listed", names(), {"Mine": 2})
    live.change("playlist-changed", lambda: write("Below/First.mp3", "Beta.mp3", "Below/First.mp3"))
    checks.equal("playlist-grown", names(), {"Mine": 3})
    live.change("playlist-removed", lambda: os.remove(live.path("Mine.m3u8")))
    checks.equal("playlist-gone", names(), {})


def nothing_new(checks, live):
    """Touching what clients cannot see wakes nobody."""
    poll = Poll(live.server, live.client)
    with open(live.path("notes.txt"), "w") as f:
        f.write("nothing to hear")
    checks.check(not poll.woken(STILL_S), "no-news-wakes-nobody", poll.answer)
    live.client.get("/server-info")


if __name__ == "__main__":
    main()
