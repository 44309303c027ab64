#!/usr/bin/env python3
"""`dapple watch` prints what changes on a share: songs that come and go, and after a restart of the server what changed
meanwhile, once."""
import json
import os
import queue
import re
import shutil
import signal
import subprocess
import threading
import time

import e2e

TOLD_S = 15
QUIET_S = 1.5


class Watch:
    """`dapple watch --json` on its way."""

    def __init__(self, url):
        self.process = subprocess.Popen([e2e.SERVER, "watch", url, "--json"], text=True, env=e2e.environment(),
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.changes, self.said = queue.Queue(), queue.Queue()
        for stream, sink in ((self.process.stdout, self.changes), (self.process.stderr, self.said)):
            threading.Thread(target=lambda stream=stream, sink=sink: [sink.put(line) for line in stream], daemon=True).start()

    def says(self, pattern):
        """Whether it says something like this in time."""
        end = time.monotonic() + TOLD_S
        while time.monotonic() < end:
            try:
                if re.search(pattern, self.said.get(timeout=0.2)):
                    return True
            except queue.Empty:
                pass
        return False

    def told(self, count):
        """So many changes, sorted, and that there are no more."""
        changes = []
        try:
            while len(changes) < count:
                changes.append(json.loads(self.changes.get(timeout=TOLD_S)))
            changes.append(json.loads(self.changes.get(timeout=QUIET_S)))
        except queue.Empty:
            pass
        return sorted((change["event"], change["what"], change.get("title") or change.get("playlist")) for change in changes)


def main():
    checks = e2e.Checks()
    source, manifest = e2e.generated(1000)
    songs = [track for track in manifest["tracks"] if track["path"].endswith(".mp3") and track.get("title")][:4]
    folder, data = e2e.fresh("music"), e2e.fresh("data")
    copy = lambda track: shutil.copy(os.path.join(source, track["path"]), folder)
    remove = lambda track: os.remove(os.path.join(folder, os.path.basename(track["path"])))
    first, second, third, fourth = songs
    copy(first), copy(second)
    port = e2e.free_port()
    # One more address, which stays the same over a restart.
    options = ("--listen", "127.0.0.1:%d" % port)
    with e2e.Server(folder, data=data, options=options) as server:
        server.scanned(2)
        watch = Watch("127.0.0.1:%d" % port)
        checks.check(watch.says("watching Test share: 2 songs"), "says-what-there-is")
        copy(third)
        checks.equal("a-new-song", watch.told(1), [("added", "song", third["title"])])
        remove(first)
        checks.equal("a-song-that-goes", watch.told(1), [("removed", "song", first["title"])])
        with open(os.path.join(folder, "Party.m3u8"), "w", encoding="utf-8") as f:
            f.write(os.path.basename(second["path"]) + "\n")
        checks.equal("a-new-playlist", watch.told(1), [("added", "playlist", "Party")])
        server.kill()
    checks.check(watch.says("the server is lost"), "says-that-the-server-is-lost")
    copy(fourth), remove(second)
    with e2e.Server(folder, data=data, options=options) as server:
        server.scanned(2)
        checks.check(watch.says("the server is back"), "says-that-it-is-back")
        changes = watch.told(3)
        wanted = {("added", "song", fourth["title"]), ("removed", "song", second["title"])}
        checks.check(wanted <= set(changes) and len(changes) == 3, "what-changed-meanwhile-once", changes)
        watch.process.send_signal(signal.SIGINT)
        checks.equal("ctrl-c-ends-it", watch.process.wait(10), 0)
        e2e.wait_for(lambda: server.status()["sessions"] == 0, 5)
        checks.equal("it-logs-out", server.status()["sessions"], 0)
    checks.finish()


if __name__ == "__main__":
    main()
