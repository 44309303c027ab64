#!/usr/bin/env python3
"""`dapple get` of 1,000 songs that is interrupted twice, by Ctrl-C and by kill -9, ends with byte-identical files and asks
for no byte twice; `dapple ls` lists the same songs; a full disk and a lost server end it with one message."""
import collections
import os
import re
import signal
import socket
import subprocess
import threading
import time
import urllib.request

import client
import e2e

SONGS = 1000
PART = re.compile(r"\.[0-9A-F]{16}-[0-9a-f]+-[0-9a-f]+\.part$")
# So that a run takes some seconds and can be caught in the middle of songs.
PIECE, PAUSE_S = 2048, 0.002


class Slow:
    """Stands between client and server: slows the way down, and notes which part of which song is asked for."""

    def __init__(self, server):
        self.server = (server.host, server.port)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = "daap://127.0.0.1:%d/" % self.listener.getsockname()[1]
        self.asked = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while self.listener.fileno() >= 0:
            try:
                near, _ = self.listener.accept()
                far = socket.create_connection(self.server)
            except OSError:
                continue
            for source, sink, note in ((near, far, True), (far, near, False)):
                threading.Thread(target=self._pass_on, args=(source, sink, note), daemon=True).start()

    def _pass_on(self, source, sink, is_request):
        try:
            while piece := source.recv(PIECE):
                if is_request:
                    self._note(piece.decode("latin-1"))
                else:
                    time.sleep(PAUSE_S)
                sink.sendall(piece)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def _note(self, request):
        song = re.match(r"GET /databases/\d+/items/(\d+)\.", request)
        if song:
            begins = re.search(r"(?mi)^range: bytes=(\d+)-", request)
            self.asked.append((song.group(1), int(begins.group(1)) if begins else 0))


def state(folder):
    """What is there: digests of whole songs, and the lengths of those that are not complete."""
    found = client.files(folder)
    whole = {path: digest for path, digest in found.items() if not PART.search(path)}
    return whole, [os.path.getsize(os.path.join(folder, path)) for path in found if PART.search(path)]


def count(folder):
    """How many songs are whole, and how many are begun and not whole, while they become so."""
    whole = begun = 0
    for path, _, names in os.walk(folder):
        whole += sum(not PART.search(name) for name in names)
        begun += sum(has_bytes(os.path.join(path, name)) for name in names if PART.search(name))
    return whole, begun


def has_bytes(path):
    try:
        return os.path.getsize(path) > 0
    except FileNotFoundError:
        return False


class Get:
    """`dapple get` of a whole share, on its way."""

    def __init__(self, url, folder):
        self.folder = folder
        self.process = subprocess.Popen(
            [e2e.SERVER, "get", url, "--to", folder], env=e2e.environment(), text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def interrupt(self, number, songs):
        """Sends a signal once so many songs and part of another are there. What it said, and its exit code."""
        def is_midway():
            whole, parts = count(self.folder)
            return self.process.poll() is not None or (whole >= songs and parts)
        e2e.wait_for(is_midway, 60, every=0.01)
        self.process.send_signal(number)
        _, said = self.process.communicate(timeout=20)
        return self.process.returncode, said


def interrupted_twice(checks, server, originals):
    folder, slow = e2e.fresh("got"), Slow(server)
    code, said = Get(slow.url, folder).interrupt(signal.SIGINT, SONGS // 4)
    checks.equal("ctrl-c-exit-code", code, 2)
    checks.check("the same command goes on" in said, "ctrl-c-says-how-to-go-on", said[-100:])
    first, first_parts = state(folder)
    code, _ = Get(slow.url, folder).interrupt(signal.SIGKILL, SONGS // 2)
    checks.equal("killed", code, -signal.SIGKILL)
    second, second_parts = state(folder)
    checks.check(0 < len(first) < len(second) < SONGS, "interrupted-midway", "%d, then %d songs" % (len(first), len(second)))
    checks.check(first_parts and second_parts, "parts-are-kept", "%r, then %r bytes" % (first_parts, second_parts))
    checks.check(first.items() <= second.items(), "whole-songs-stay")
    asked_before = len(slow.asked)
    done = client.dapple("get", slow.url, "--to", folder, "--playlists")
    checks.equal("third-run-exit-code", done.returncode, 0)
    third, third_parts = state(folder)
    songs = {path: digest for path, digest in third.items() if not path.endswith(".m3u8")}
    checks.equal("no-parts-left", third_parts, [])
    checks.equal("all-songs", len(songs), SONGS)
    checks.check(collections.Counter(songs.values()) == originals, "byte-identical")
    not_fetched_twice(checks, slow.asked[asked_before:], SONGS - len(second), second_parts)
    playlists = [path for path in third if path.endswith(".m3u8")]
    lines = [line for path in playlists for line in open(os.path.join(folder, path), encoding="utf-8")]
    named = [line.rstrip("\n") for line in lines if not line.startswith("#")]
    checks.check(named and all(name in songs for name in named), "playlists-name-files", "%d entries" % len(named))
    asked = len(slow.asked)
    checks.equal("again-exit-code", client.dapple("get", slow.url, "--to", folder).returncode, 0)
    checks.equal("again-asks-for-no-song", len(slow.asked), asked)


def not_fetched_twice(checks, asked, missing, parts):
    checks.equal("each-missing-song-once", (len(asked), len({song for song, _ in asked})), (missing, missing))
    begun = sorted(begins for _, begins in asked if begins)
    checks.equal("parts-are-gone-on-with", begun, sorted(length for length in parts if length))


def listings(checks, server, manifest):
    rows = client.listed("127.0.0.1:%d" % server.port, "--fields", "title,artist,size,id")
    want = sorted((track.get("title", ""), track.get("artist", ""), track["size"]) for track in manifest["tracks"])
    got = sorted((row["title"] or "", row["artist"] or "", row["size"]) for row in rows)
    checks.equal("ls-lists-all", len(got), SONGS)
    # Songs without tags have the title that their file says.
    checks.check(len(set(want) & set(got)) > SONGS * 0.9, "ls-tells-the-truth", "%d alike" % len(set(want) & set(got)))
    checks.equal("ids-are-unique", len({row["id"] for row in rows}), SONGS)
    playlist = client.dapple("ls", "127.0.0.1:%d" % server.port, "--m3u", "--sort", "-size")
    entries = client.addresses(playlist.stdout)
    checks.equal("m3u-has-all", len(entries), SONGS)
    largest = max(track["size"] for track in manifest["tracks"])
    with urllib.request.urlopen(entries[0][2], timeout=10) as answer:
        checks.equal("m3u-address-gives-the-song", len(answer.read()), largest)


def full_disk(checks, server):
    """In a small file system of its own."""
    folder = e2e.fresh("small")
    script = "mount -t tmpfs -o size=1m none %s && exec %s get 127.0.0.1:%d --to %s" % (
        folder, e2e.SERVER, server.port, folder)
    done = e2e.run("unshare", "--mount", "--map-root-user", "sh", "-c", script, env=e2e.environment())
    checks.equal("full-disk-exit-code", done.returncode, 2)
    complaints = [line for line in done.stderr.splitlines() if not line.startswith("got ")]
    checks.check(sum("make room" in line for line in complaints) == 1 and len(complaints) < 6, "full-disk-is-said-once",
                 complaints)


def lost_server(checks, folder):
    data = e2e.fresh("lost-data")
    with e2e.Server(folder, data=data) as server:
        server.scanned(SONGS)
        slow, to = Slow(server), e2e.fresh("lost")
        get = subprocess.Popen([e2e.SERVER, "get", slow.url, "--to", to, "--retries", "1"], text=True,
                               env=e2e.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        e2e.wait_for(lambda: count(to)[0] > 50, 30, every=0.01)
        slow.listener.close()
        server.kill()
        _, said = get.communicate(timeout=60)
    checks.equal("lost-server-exit-code", get.returncode, 2)
    checks.check(said.count("dapple:") == 1 and "goes on from here" in said, "lost-server-is-said-once", said[-300:])


def main():
    checks = e2e.Checks()
    folder, manifest = e2e.generated(SONGS)
    paths = (os.path.join(folder, track["path"]) for track in manifest["tracks"])
    originals = collections.Counter(client.digest(open(path, "rb").read()) for path in paths)
    with e2e.Server(folder, data=e2e.fresh("data")) as server:
        server.scanned(SONGS)
        with checks.step("interrupted-twice"):
            interrupted_twice(checks, server, originals)
        with checks.step("listings"):
            listings(checks, server, manifest)
        with checks.step("full-disk"):
            full_disk(checks, server)
        server.check_end(checks)
    with checks.step("lost-server"):
        lost_server(checks, folder)
    checks.finish()


if __name__ == "__main__":
    main()
