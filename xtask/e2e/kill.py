#!/usr/bin/env python3
"""kill -9 in the middle of scanning 10,000 songs: what clients had seen stays, under the same ids, and is not read again."""
import ctypes
import os
import struct
import threading
import time

import e2e

SONGS = 10_000
KILLS = 3
AUDIO = (".mp3", ".flac", ".m4a", ".opus", ".ogg", ".wav", ".aif", ".aac")
META = "dmap.itemid,dmap.itemname,dmap.persistentid,daap.songsize,daap.songartist,daap.songdateadded"
IN_OPEN, IN_NONBLOCK, IN_ISDIR, IN_Q_OVERFLOW = 0x20, 0o4000, 0x40000000, 0x4000


class Opened:
    """The songs below a folder that anyone opens, seen through inotify."""

    def __init__(self, root):
        libc = ctypes.CDLL(None, use_errno=True)
        self.fd = libc.inotify_init1(IN_NONBLOCK)
        self.folders, self.names, self.overflowed = {}, set(), False
        for folder, _, _ in os.walk(root):
            watch = libc.inotify_add_watch(self.fd, os.fsencode(folder), IN_OPEN)
            if watch < 0:
                raise OSError(ctypes.get_errno(), "inotify_add_watch", folder)
            self.folders[watch] = folder
        self.ends = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while not self.ends.is_set():
            self._drain()
            time.sleep(0.01)
        self._drain()

    def _drain(self):
        while True:
            try:
                events = os.read(self.fd, 1 << 20)
            except BlockingIOError:
                return
            at = 0
            while at < len(events):
                watch, mask, _, length = struct.unpack_from("iIII", events, at)
                name = os.fsdecode(events[at + 16:at + 16 + length].rstrip(b"\0"))
                at += 16 + length
                self.overflowed |= bool(mask & IN_Q_OVERFLOW)
                if not mask & IN_ISDIR and name.endswith(AUDIO):
                    self.names.add(os.path.join(self.folders[watch], name))

    def stop(self):
        """The songs that were opened."""
        self.ends.set()
        self.thread.join()
        os.close(self.fd)
        if self.overflowed:
            raise RuntimeError("inotify lost events")
        return self.names


def listing(server):
    client = server.client().open()
    return {song[b"miid"]: song for song in client.items(META)}


def kept(before, after):
    """What of `before` is not in `after`, or differs."""
    return [song for number, song in before.items() if after.get(number) != song]


def main():
    checks = e2e.Checks()
    folder, manifest = e2e.generated(SONGS)
    data = e2e.fresh("data")
    seen, killed_midway = {}, 0
    for turn in range(KILLS):
        name = "kill-%d" % (turn + 1)
        with e2e.Server(folder, data=data) as server:
            found = listing(server)
            checks.check(not kept(seen, found), name + "-all-there-at-once", "%d songs" % len(seen))
            goal = len(seen) + 1
            # As soon as more is listed; the scan is still going on.
            e2e.wait_for(lambda: server.songs() >= goal, 60, every=0.01)
            found = listing(server)
            server.kill()
        checks.check(not kept(seen, found), name + "-ids-the-same", "%d songs then, %d now" % (len(seen), len(found)))
        killed_midway += len(found) < SONGS
        seen = found
    checks.check(killed_midway, "killed-midway", "%d times" % killed_midway)
    opened = Opened(folder)
    with e2e.Server(folder, data=data) as server:
        songs = server.scanned(SONGS)
        found = listing(server)
        checks.equal("all-listed", songs, len(manifest["tracks"]))
        checks.check(not kept(seen, found), "nothing-lost", "%d songs then, %d now" % (len(seen), len(found)))
        checks.equal("persistent-ids-unique", len({song[b"mper"] for song in found.values()}), len(found))
        read = len(opened.stop())
        # What was on its way to the disk when the server died is read again: at most some batches.
        checks.check(read <= SONGS - len(seen), "resumed", "%d of %d files read again" % (read, SONGS))
        server.check_end(checks)
    opened = Opened(folder)
    with e2e.Server(folder, data=data) as server:
        began = time.monotonic()
        checks.check(not kept(found, listing(server)) and server.songs() == SONGS, "restart-lists-all-at-once",
                     "%.2f s" % (time.monotonic() - began))
        server.scanned(SONGS)
        checks.equal("unchanged-rescan-reads-nothing", len(opened.stop()), 0)
        checks.check(not kept(found, listing(server)), "unchanged-rescan-changes-nothing")
        server.check_end(checks)
    checks.finish()


main()
