#!/usr/bin/env python3
"""The examples of the crate `daap`, each run as a user would and asked what it says it does.

    examples.py NAME
"""
import functools
import http.server
import os
import random
import re
import struct
import sys
import threading

import daap
import e2e

META = "dmap.itemid,dmap.itemname,daap.songsize,daap.songformat,daap.songartist"


def tones(checks):
    """Songs that exist nowhere: any part of one is that part of the whole."""
    with e2e.Example("tones") as server:
        client = server.client().open()
        songs = client.items(META)
        checks.equal("tones", len(songs), 24)
        song = next(song for song in songs if song[b"minm"] == "A4")
        path = client.song_path(song)
        status, headers, whole = client.get(path)
        checks.check(status == 200 and len(whole) == song[b"assz"], "whole", "%d, %d bytes" % (status, len(whole)))
        checks.check(whole[:4] == b"RIFF" and whole[8:16] == b"WAVEfmt ", "is-wav")
        samples = struct.unpack("<%dh" % ((len(whole) - 44) // 2), whole[44:])
        rising = sum(a <= 0 < b for a, b in zip(samples, samples[1:]))
        checks.check(abs(rising / (len(samples) / 44100) - 440) < 1, "is-440-hertz", "%.1f" % (rising / (len(samples) / 44100)))
        chance = random.Random(1)
        for _ in range(20):
            start = chance.randrange(len(whole))
            end = min(len(whole), start + chance.randrange(1, 100_000))
            status, _, part = client.get(path, {"Range": "bytes=%d-%d" % (start, end - 1)})
            if not checks.check(status == 206 and part == whole[start:end], "part", "%d, %d-%d" % (status, start, end)):
                break
        server.check_end(checks)


def revisions(checks):
    """Songs come, change and go 100 times; who follows the deltas ends with the list."""
    with e2e.Example("revisions", 20, 100) as server:
        client = server.client().open()
        songs = {song[b"miid"]: song for song in client.items(META)}
        seen, deltas = client.revision, 0
        done = None
        while done is None or client.revision < done:
            said = server.line(0) if done is None else None
            while said:
                heard = re.match(r"done at revision (\d+)$", said)
                done = int(heard.group(1)) if heard else done
                said = server.line(0)
            if done is not None and client.revision >= done:
                break
            try:
                seen, client.revision = client.revision, client.update(client.revision, timeout=1)
            except TimeoutError:
                client.connection = None
                continue
            delta = client.items_tree(meta=META, delta=seen)
            deltas += daap.find(delta[0][1], b"muty") == 1
            songs.update((song[b"miid"], song) for song in daap.rows(delta))
            for number in daap.gone(delta):
                songs.pop(number, None)
        whole = {song[b"miid"]: song for song in client.items(META)}
        checks.check(deltas > 10, "deltas-were-sent", deltas)
        checks.equal("deltas-make-the-whole", songs, whole)
        server.check_end(checks)


class Web(http.server.SimpleHTTPRequestHandler):
    """A web server that sends parts of files, counts what it sends, and can be told to fail."""
    sent, failing = 0, False

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self.answer(False)

    def do_GET(self):
        self.answer(True)

    def answer(self, with_body):
        path = self.translate_path(self.path)
        if Web.failing or not os.path.exists(path):
            return self.send_error(500 if Web.failing else 404)
        with open(path, "rb") as f:
            body = f.read()
        wanted = re.match(r"bytes=(\d+)-(\d+)$", self.headers.get("Range", ""))
        start, end = (int(wanted.group(1)), int(wanted.group(2)) + 1) if wanted else (0, len(body))
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Length", str(len(body[start:end])))
        self.end_headers()
        if with_body:
            Web.sent += len(body[start:end])
            self.wfile.write(body[start:end])


def remote(checks):
    """Songs on a web server: sought at once, fetched once, and "try later" when it is down."""
    folder, chance = e2e.fresh("web"), random.Random(2)
    contents = {"One.mp3": chance.randbytes(1_500_000), "Two.flac": chance.randbytes(700_001)}
    for name, content in contents.items():
        with open(os.path.join(folder, name), "wb") as f:
            f.write(content)
    with open(os.path.join(folder, "list.m3u"), "w", encoding="utf-8") as f:
        f.write("#EXTM3U\n#EXTINF:90,Somebody - One\nOne.mp3\n\nTwo.flac\nmissing.mp3\n")
    web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Web, directory=folder))
    threading.Thread(target=web.serve_forever, daemon=True).start()
    with e2e.Example("remote", "http://127.0.0.1:%d/list.m3u" % web.server_port) as server:
        client = server.client().open()
        songs = {song[b"minm"]: song for song in client.items(META)}
        checks.equal("songs", {name: song[b"assz"] for name, song in songs.items()}, {"One": 1_500_000, "Two.flac": 700_001})
        checks.equal("artist", songs["One"].get(b"asar"), "Somebody")
        path, before = client.song_path(songs["One"]), Web.sent
        status, _, part = client.get(path, {"Range": "bytes=1000000-1000999"})
        checks.check(status == 206 and part == contents["One.mp3"][1_000_000:1_001_000], "sought", status)
        checks.check(Web.sent - before <= 2 * (256 << 10), "little-was-fetched", Web.sent - before)
        status, _, whole = client.get(path)
        checks.check(status == 200 and whole == contents["One.mp3"], "whole", status)
        fetched = Web.sent
        status, _, whole = client.get(path)
        checks.check(status == 200 and whole == contents["One.mp3"] and Web.sent == fetched, "second-time-from-the-cache", Web.sent - fetched)
        Web.failing = True
        status, headers, _ = client.get(client.song_path(songs["Two.flac"]))
        checks.check(status == 503 and headers.get("retry-after"), "try-later", status)
        status, _, whole = client.get(path)
        checks.check(whole == contents["One.mp3"], "what-is-cached-plays-on", status)
        Web.failing = False
        status, _, whole = client.get(client.song_path(songs["Two.flac"]))
        checks.check(whole == contents["Two.flac"], "back", status)
        server.check_end(checks)
    web.shutdown()


def tutorial(checks):
    """The program of docs/framework.md, by itself and inside another HTTP server."""
    os.makedirs("recordings", exist_ok=True)
    with open("recordings/0000000000001927.wav", "wb") as f:
        f.write(b"RIFF of a nightingale")
    with e2e.Example("tutorial", "whole") as server:
        status, _, _ = server.client().get("/login")
        checks.equal("users-only", status, 401)
        follow_tutorial(checks, server.client(password="wren", user="ann").open())
        second = re.match(r"listening on (\S+) \(Archive\)$", server.line(e2e.START_S))
        archive = daap.Client(second.group(1)).open()
        song = archive.items(META)[0]
        status, _, sound = archive.get(archive.song_path(song))
        checks.check(status == 200 and sound == b"RIFF of a nightingale", "second-share", status)
        os.remove("recordings/0000000000001927.wav")
        checks.equal("recording-gone", archive.get(archive.song_path(song))[0], 404)
        server.check_end(checks)
    with e2e.Example("tutorial", "hosted") as server:
        client = server.client(password="robin", user="bob").open()
        follow_tutorial(checks, client)
        status, _, page = client.get("/")
        checks.check(status == 200 and b"who calls" in page, "page-beside-the-share", page[:60])


def follow_tutorial(checks, client):
    meta = META + ",org.example.habitat,daap.songartworkcount,dmap.itemkind"
    types = dict(daap.CODES)
    types[b"xhab"] = (9, "org.example.habitat")
    _, _, body = client.get(client.path("/databases/%d/items" % client.database, meta=meta))
    songs = {row[b"minm"]: row for row in daap.rows(daap.parse(body, types=types))}
    checks.equal("songs", sorted(songs), ["Blackbird", "Kingfisher", "Robin"])
    checks.equal("own-field", songs["Kingfisher"].get(b"xhab"), "river")
    _, _, codes = client.get("/content-codes")
    checks.check(b"org.example.habitat" in codes, "own-field-is-announced")
    status, headers, picture = client.get(client.path("/databases/%d/items/%d/extra_data/artwork" % (client.database, songs["Robin"][b"miid"])))
    checks.check(status == 200 and picture.startswith(b"\x89PNG"), "picture", status)
    playlists = {row[b"minm"]: row.get(b"mimc") for row in daap.rows(client.tree("/databases/%d/containers" % client.database))}
    checks.equal("playlists", playlists, {"Bird calls": 3, "The dawn chorus": 2, "Long calls": 3})
    status, _, sound = client.get(client.song_path(songs["Robin"]))
    checks.check(status == 200 and sound[:4] == b"RIFF", "sound", status)


def waiting(checks):
    """2,000 clients that wait: one commit reaches all within a second, none misses one of 200."""
    ran = e2e.run(e2e.example("waiting"), 2000, 200, timeout=240)
    print(ran.stdout, ran.stderr)
    heard = re.search(r"(\d+) clients heard of one commit within (\d+) ms", ran.stdout)
    checks.check(heard and int(heard.group(1)) == 2000 and int(heard.group(2)) <= 1000, "all-hear-within-a-second", ran.stdout.strip())
    checks.check(ran.returncode == 0 and "200 more commits" in ran.stdout, "none-misses-one-of-200", ran.stderr[-300:])


def bench(checks):
    """The benchmark runs and prints two rows for each size."""
    ran = e2e.run(e2e.example("bench"), 100, 1000, 10000)
    print(ran.stdout)
    checks.equal("rows", [line.split()[:2] for line in ran.stdout.splitlines()[1:]],
                 [[what, size] for size in ("100", "1000", "10000") for what in ("model", "catalog")])


def main():
    checks = e2e.Checks()
    for test in sys.argv[1:]:
        with checks.step(test):
            globals()[test](checks)
    checks.finish()


main()
