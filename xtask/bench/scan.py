#!/usr/bin/env python3
"""The first scan, one with nothing changed, a restart; and what a listener notices of a scan."""
import contextlib
import os
import shutil
import subprocess
import tempfile
import time

import stage                # first: it makes the real-client tests' modules known
from stage import Probe, figure, missing
import daap
from e2e import Server, generated, wait_for

MEMORY_FOLDER = "/dev/shm"
SCANNED_WITHIN_S = 3000
SLOW_SONGS = 1000
SLOW_MS = 2


@contextlib.contextmanager
def place(library):
    """Where files are read at memory's speed: a folder for data, and the library in it."""
    size = sum(entry.stat().st_size for folder, _, _ in os.walk(library) for entry in os.scandir(folder))
    if os.path.isdir(MEMORY_FOLDER) and shutil.disk_usage(MEMORY_FOLDER).free > 2 * size:
        with tempfile.TemporaryDirectory(prefix="dapple-bench-", dir=MEMORY_FOLDER) as folder:
            yield folder, shutil.copytree(library, os.path.join(folder, "library"))
    else:
        print("scan: %s has no room for the library; it is read where it is" % MEMORY_FOLDER)
        yield stage.WORK, library


def rest(server, songs):
    """Waits until the scan rests."""
    def rests():
        status = server.status()
        return status["scan"]["state"] == "idle" and server.songs() >= songs
    if not wait_for(rests, SCANNED_WITHIN_S, every=0.02):
        raise SystemExit("not scanned within %d s" % SCANNED_WITHIN_S)


def since(began):
    return time.perf_counter() - began


def first_scan(library, data):
    """(songs a second, bytes a song when done, most bytes held)."""
    began = time.perf_counter()
    with Server(library, data=data) as server:
        rest(server, stage.SONGS)
        took = since(began)
        songs = server.songs()
        held, most = stage.memory(server), stage.memory(server, "VmHWM")
        server.stop()
    return songs / took, held / songs, most


def scan_again(library, data):
    began = time.perf_counter()
    with Server(library, data=data) as server:
        rest(server, stage.SONGS)
        took = since(began)
        server.stop()
    return took


def restart(library, data):
    """Seconds until a client that comes at once has the complete listing."""
    began = time.perf_counter()
    with Server(library, data=data) as server:
        client = server.client().open()
        status, _, body = client.get(client.path("/databases/%d/items" % client.database, meta=stage.FIELDS))
        took = since(began)
        client.close()
        server.stop()
    listed = daap.find(daap.parse(body)[0][1], b"mrco")
    if status != 200 or listed < stage.SONGS:
        raise SystemExit("the listing after a restart has %s songs" % listed)
    return took


def scans(library, folder):
    first, again, restarts = [], [], []
    for run in range(stage.RUNS):
        data = os.path.join(folder, "data-%d" % run)
        first.append(first_scan(library, data))
        again.append(scan_again(library, data))
        restarts.append(restart(library, data))
        shutil.rmtree(data)
    rates, held, most = zip(*first)
    figure("scan.first", "songs/s", rates)
    figure("scan.memory", "B", held)
    figure("scan.peak", "MiB", [peak / 2**20 for peak in most])
    figure("scan.again", "s", again)
    figure("scan.restart", "s", restarts)


def listener(library, folder):
    """A song that was there before plays while a folder is scanned for the first time."""
    pieces, smalls = [], []
    for run in range(stage.RUNS):
        data = os.path.join(folder, "listener-%d" % run)
        with stage.serve(stage.recording(), data=data) as server:
            server.stop()
        with Server(stage.recording(), library, data=data) as server:
            client = server.client().open()
            probe = Probe(server.port, stage.recording_path(client), client.path("/databases"))
            times = probe.watch(lambda: server.status()["scan"]["state"] != "idle")
            client.close()
            server.stop()
        pieces.append(stage.slowest_hundredth(times[0]))
        smalls.append(stage.slowest_hundredth(times[1]))
        shutil.rmtree(data)
    figure("scan.stream", "ms", pieces)
    figure("scan.small", "ms", smalls)


def slow_folder(folder):
    """A folder as on a far network: each access to a file's name takes longer, which a preloaded library sees to."""
    if not stage.program("cc"):
        return missing("scan.slow", "needs a C compiler")
    shim = os.path.join(folder, "slow.so")
    source = os.path.join(stage.HERE, "slow_files.c")
    subprocess.run(["cc", "-shared", "-fPIC", "-O", "-o", shim, source, "-ldl"], check=True, timeout=60)
    library = generated(SLOW_SONGS)[0]
    rates = []
    for run in range(min(stage.RUNS, 3)):
        wrap = ["env", "LD_PRELOAD=" + shim, "SLOW_FOLDER=" + library, "SLOW_US=%d" % (SLOW_MS * 1000)]
        began = time.perf_counter()
        with Server(library, data=os.path.join(folder, "slow-%d" % run), wrap=wrap) as server:
            rest(server, SLOW_SONGS)
            rates.append(SLOW_SONGS / since(began))
    figure("scan.slow", "songs/s", rates)


def main():
    with place(stage.library()) as (folder, library):
        scans(library, folder)
        listener(library, folder)
        slow_folder(folder)


main()
