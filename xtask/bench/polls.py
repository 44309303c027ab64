#!/usr/bin/env python3
"""Clients that hang in /update until something changes: memory each, how soon all are told, others meanwhile."""
import os
import selectors
import shutil
import socket
import time
import wave

import stage                # first: it makes the real-client tests' modules known
from stage import Wire, figure, missing
import daap

COUNTS = (1000, 5000)
POLLS_A_SESSION = 50            # one peer may not have a session for each
SMALL_REQUESTS = 300
WOKEN_WITHIN_S = 60


class Refused(Exception):
    """The server does not hold as many."""


def session(server, held):
    try:
        client = server.client().open()
    except (OSError, daap.Bad) as error:
        raise Refused("the server holds %d polls, then %s" % (held, error)) from error
    client.close()
    return client


def hold(server, count):
    """So many polls that wait."""
    held, client = [], None
    for number in range(count):
        if number % POLLS_A_SESSION == 0:
            client = session(server, number)
        poll = socket.create_connection(("127.0.0.1", server.port), 20)
        poll.sendall(stage.request(client.path("/update", revision_number=client.revision, delta=client.revision)))
        held.append(poll)
    time.sleep(0.5)     # what is refused comes at once
    with selectors.DefaultSelector() as selector:
        for poll in held:
            selector.register(poll, selectors.EVENT_READ)
        if refused := selector.select(0):
            raise Refused("%d of %d polls were answered at once" % (len(refused), count))
    return held


def settle(server):
    """Waits until the server's memory stands still; how much it is."""
    before = None
    while before is None or abs(stage.memory(server) - before) > 64 * 1024:
        before = stage.memory(server)
        time.sleep(0.3)
    return before


def wake(held, arrivals, name):
    """Adds a song; ms from the first poll that is answered to the last."""
    with selectors.DefaultSelector() as selector:
        for poll in held:
            selector.register(poll, selectors.EVENT_READ)
        with wave.open(os.path.join(os.path.dirname(arrivals), "new.wav"), "wb") as song:
            song.setparams((1, 2, 44100, 0, "NONE", ""))
            song.writeframes(bytes(44100))
        os.rename(os.path.join(os.path.dirname(arrivals), "new.wav"), os.path.join(arrivals, name + ".wav"))
        first, end = None, time.perf_counter() + WOKEN_WITHIN_S
        while selector.get_map() and time.perf_counter() < end:
            for key, _ in selector.select(1):
                if not key.fileobj.recv(4096):
                    raise SystemExit("a poll was closed, not answered")
                first = first or time.perf_counter()
                selector.unregister(key.fileobj)
        if selector.get_map():
            raise SystemExit("%d of %d polls were not told" % (len(selector.get_map()), len(held)))
        return (time.perf_counter() - first) * 1e3


def polls(count):
    memory, woken, small = [], [], []
    for run in range(min(stage.RUNS, 3)):
        arrivals = os.path.join(stage.WORK, "arrivals-%d-%d" % (count, run))
        os.makedirs(arrivals)
        with stage.serve(stage.recording(), arrivals, data=arrivals + "-data") as server:
            before = settle(server)
            held = hold(server, count)
            memory.append((settle(server) - before) / count / 1024)
            wire = Wire(server.port)
            times = [wire.ask("/server-info")[1] for _ in range(SMALL_REQUESTS)]
            wire.close()
            small.append(stage.slowest_hundredth(times))
            woken.append(wake(held, arrivals, "song-%d" % run))
            for poll in held:
                poll.close()
        shutil.rmtree(arrivals)
    figure("polls.%d.memory" % count, "KiB", memory)
    figure("polls.%d.small" % count, "ms", small)
    figure("polls.%d.wake" % count, "ms", woken)


def main():
    most = stage.open_files()
    for count in COUNTS:
        try:
            if most < count + 100:
                raise Refused("this process may open %d files only" % most)
            polls(count)
        except Refused as why:
            for name in ("memory", "small", "wake"):
                missing("polls.%d.%s" % (count, name), str(why))


main()
