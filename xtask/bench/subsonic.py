#!/usr/bin/env python3
"""A scripted Subsonic server: the first sync of all its songs, one when nothing has changed, and one after a restart."""
import os
import subprocess
import time

import stage                # first: it makes the real-client tests' modules known
from stage import figure
from e2e import SERVER, WORK, Program, Server, environment, run

SYNCED_WITHIN_S = 600
MOST_RUNS = 3


class Scripted(Program):
    """The scripted server; it counts what it is asked."""

    def __init__(self, songs):
        super().__init__([os.path.join(os.environ["BENCH_PROGRAMS"], "examples", "subsonic"), str(songs)], stdin=subprocess.PIPE)

    def counts(self):
        """(requests, bytes sent) so far."""
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()
        requests, sent = self.line(stage.LONGEST).split()
        return int(requests), int(sent)

    def cost(self, act):
        """What it costs to do something: (seconds, requests, bytes)."""
        requests, sent = self.counts()
        began = time.perf_counter()
        act()
        took = time.perf_counter() - began
        requests_after, sent_after = self.counts()
        return took, requests_after - requests, sent_after - sent


def serve(theirs, data):
    options = ("--subsonic", theirs.url.replace("//", "//joe@"))
    return Server(data=data, options=options, wrap=("env", "DAPPLE_SUBSONIC_PASSWORD=sesame"))


def sync(server):
    """Has it look at the server, and waits until it has looked."""
    done = run(SERVER, "sync", "--server", server.url, env=environment(), timeout=SYNCED_WITHIN_S)
    if done.returncode:
        raise SystemExit("sync: " + done.stderr)


def syncs(data):
    """(cost of the first sync, of one with nothing changed, of one after a restart; most memory held in the first)."""
    with Scripted(stage.SONGS) as theirs:
        began = time.perf_counter()
        with serve(theirs, data) as server:
            if server.scanned(stage.SONGS, SYNCED_WITHIN_S) != stage.SONGS:
                raise SystemExit("not all songs within %d s" % SYNCED_WITHIN_S)
            first = (time.perf_counter() - began, *theirs.counts())
            peak = stage.memory(server, "VmHWM")
            again = theirs.cost(lambda: sync(server))
            server.stop()
        with serve(theirs, data) as server:
            restarted = theirs.cost(lambda: sync(server))
            server.stop()
    return first, again, restarted, peak


def main():
    runs = [syncs(os.path.join(WORK, "data-%d" % run)) for run in range(min(stage.RUNS, MOST_RUNS))]
    firsts, agains, restarts, peaks = zip(*runs)
    for number, (name, unit, scale) in enumerate((("", "s", 1), (".requests", "requests", 1), (".bytes", "MB", 1e6))):
        figure("subsonic.first" + name, unit, [first[number] / scale for first in firsts])
        figure("subsonic.restart" + name, unit, [restart[number] / scale for restart in restarts])
        figure("subsonic.again" + (name or ".time"), "%", [100 * again[number] / first[number] for first, again in zip(firsts, agains)])
    figure("subsonic.peak", "MB", [peak / 1e6 for peak in peaks])


main()
