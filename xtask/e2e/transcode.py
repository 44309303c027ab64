#!/usr/bin/env python3
"""Clients that cannot play what songs are get WAV files: as announced, from any byte, many at once, and nobody waits for them."""
import http.client
import os
import random
import re
import struct
import subprocess
import threading
import time

import daap
import e2e

SECONDS = 20
ITUNES = "iTunes/12.6.1 (Macintosh; OS X 10.12.4)"
RHYTHMBOX = "iTunes/4.6 (Windows; N)"
# file, sample rate, channels, what ffmpeg makes of it
SONGS = [
    ("flac.flac", 44100, 2, ["-c:a", "flac", "-sample_fmt", "s16"]),
    ("mono.flac", 48000, 1, ["-c:a", "flac", "-sample_fmt", "s16"]),
    ("aiff.aiff", 44100, 2, ["-c:a", "pcm_s16be"]),
    ("vorbis.ogg", 44100, 2, ["-c:a", "libvorbis"]),
    ("opus.opus", 48000, 2, ["-c:a", "libopus"]),
    ("mpeg.mp3", 44100, 2, ["-c:a", "libmp3lame", "-b:a", "320k"]),
]
LOSSLESS = ("flac.flac", "mono.flac", "aiff.aiff")
META = "dmap.itemid,dmap.itemname,daap.songsize,daap.songformat,daap.songcodectype,daap.songdescription,daap.songbitrate"
AT_ONCE = 64
TURNS = 2           # Limits::transcodes_at_once
PIECE = 64 << 10    # what the plain listener takes ten times a second: more than any song has
LATE_S = 1.0
SEED = 6


def make(folder):
    os.makedirs(folder, exist_ok=True)
    for name, rate, channels, codec in SONGS:
        # Noise over a tone, so that no two places are alike.
        sound = "aevalsrc=0.3*sin(880*PI*t)+0.2*(random(0)-0.5)|0.3*sin(660*PI*t)+0.2*(random(1)-0.5):s=%d:d=%d" % (rate, SECONDS)
        title = name.split(".")[0]
        done = e2e.run("ffmpeg", "-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i", sound, "-ac", channels, "-metadata",
                       "title=" + title, *codec, os.path.join(folder, name))
        if done.returncode:
            raise RuntimeError(done.stderr)


def decoded(path):
    """What ffmpeg makes of a song: samples of 16 bits."""
    done = subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-i", path, "-f", "s16le", "-c:a", "pcm_s16le", "-"],
                          stdout=subprocess.PIPE, check=True, timeout=60)
    return done.stdout


def listed(server, agent, codecs=None):
    """The songs as a client sees them, by title."""
    client = server.client(agent=agent)
    client.headers.pop("Accept-Codecs", None)
    if codecs:
        client.headers["Accept-Codecs"] = codecs
    client.open()
    return client, {item[b"minm"]: item for item in client.items(meta=META)}


def check_files(checks, server, folder):
    """What iTunes is told, what it gets, and what that is."""
    client, items = listed(server, ITUNES)
    wholes = {}
    for name, rate, channels, _ in SONGS:
        title = name.split(".")[0]
        item = items[title]
        with checks.step(name):
            status, headers, body = client.get(client.song_path(item))
            checks.equal(name + "-length", (status, int(headers["content-length"]), len(body)), (200, item[b"assz"], item[b"assz"]))
            if title == "mpeg":
                checks.equal("mp3-is-sent-as-it-is", (item[b"asfm"], item[b"ascd"]), ("mp3", int.from_bytes(b"mpeg", "big")))
                continue
            wholes[title] = (client.song_path(item), body)
            says = (item[b"asfm"], item[b"ascd"], item[b"asdt"], item[b"asbr"])
            checks.equal(name + "-listed", says,
                         ("wav", int.from_bytes(b"wav\0", "big"), "WAV audio file", rate * channels * 16 // 1000))
            head = struct.unpack("<4xI8xIHHI", body[:28])
            checks.equal(name + "-header", head, (len(body) - 8, 16, 1, channels, rate))
            status, headers, nothing = client.get(client.song_path(item), method="HEAD")
            checks.equal(name + "-head", (status, int(headers["content-length"]), nothing), (200, item[b"assz"], b""))
            path = os.path.join(e2e.WORK, title + ".wav")
            with open(path, "wb") as f:
                f.write(body)
            probed = e2e.run("ffprobe", "-v", "error", "-show_entries", "format=duration,format_name", "-of", "csv=p=0", path)
            form, duration = probed.stdout.strip().split(",")
            # Vorbis and Opus tell their length in milliseconds.
            exact = 0 if name in LOSSLESS else 0.002
            checks.check(form == "wav" and abs(float(duration) - SECONDS) <= exact + 1e-6, name + "-duration", duration)
            if name in LOSSLESS:
                checks.check(body[44:] == decoded(os.path.join(folder, name)), name + "-equals-ffmpeg", "%d bytes" % len(body))
    return client, wholes


def check_ranges(checks, client, wholes):
    chance = random.Random(SEED)
    wrong, count = [], 0
    for title in ("flac", "opus", "vorbis", "aiff"):
        path, whole = wholes[title]
        for _ in range(50):
            start = chance.randrange(len(whole))
            end = min(len(whole), start + chance.choice((1, 100, 5_000, 300_000)))
            status, headers, body = client.get(path, headers={"Range": "bytes=%d-%d" % (start, end - 1)})
            said = "bytes %d-%d/%d" % (start, end - 1, len(whole))
            count += 1
            if (status, headers.get("content-range"), body == whole[start:end]) != (206, said, True):
                wrong.append((title, start, end, status))
    checks.check(not wrong, "%d-random-ranges" % count, wrong[:3])
    status, headers, _ = client.get(path, headers={"Range": "bytes=%d-" % len(whole)})
    checks.equal("beyond-the-end", (status, headers.get("content-range")), (416, "bytes */%d" % len(whole)))


def check_clients(checks, server, folder):
    """Who gets what."""
    for name, agent, codecs, expected in (
            ("rhythmbox", RHYTHMBOX, None, "flac"), ("unknown", "Somebody/1.0", None, "flac"),
            ("says-flac", ITUNES, "mpeg,wav,flac", "flac"), ("says-no-flac", "Somebody/1.0", "mpeg,wav", "wav"),
            ("says-no-wav", "Somebody/1.0", "mpeg", "flac"), ("roku", "Roku SoundBridge/3.0", None, "wav")):
        with checks.step(name):
            client, items = listed(server, agent, codecs)
            item = items["flac"]
            _, _, body = client.get(client.song_path(item))
            good = item[b"asfm"] == expected and len(body) == item[b"assz"]
            checks.check(good and body[:4] == (b"fLaC" if expected == "flac" else b"RIFF"), name, item[b"asfm"])
            if expected == "flac":
                with open(os.path.join(folder, "flac.flac"), "rb") as f:
                    checks.check(body == f.read(), name + "-bytes")
    item, url = items["flac"], "%s/databases/1/items/%d" % (server.url, items["flac"][b"miid"])
    for name, suffix, arguments, magic in (
            ("curl-itunes", "flac", ["-A", "iTunes/12"], b"RIFF"), ("curl-codecs", "flac", ["-H", "Accept-Codecs: mpeg,wav"], b"RIFF"),
            ("curl", "flac", [], b"fLaC"), ("curl-wav", "wav", [], b"RIFF")):
        got = subprocess.run(["curl", "-sS", "-r", "0-3", *arguments, url + "." + suffix], stdout=subprocess.PIPE, timeout=20)
        checks.equal(name, got.stdout, magic)


def gauges(server):
    """Songs that are open for it, and pieces that are being made."""
    connection = http.client.HTTPConnection(server.host, server.port, timeout=20)
    try:
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
    finally:
        connection.close()
    return tuple(int(re.search(r"^%s (\d+)" % name, text, re.M).group(1)) for name in ("dapple_transcodes", "dapple_transcodes_made"))


class Listener(threading.Thread):
    """Takes a whole file, and notes when its first and last bytes came."""

    def __init__(self, server, path, whole):
        super().__init__(daemon=True)
        self.server, self.path, self.whole = server, path, whole
        self.first = self.last = None
        self.good = False

    def run(self):
        connection = http.client.HTTPConnection(self.server.host, self.server.port, timeout=60)
        connection.request("GET", self.path, headers={"User-Agent": ITUNES})
        answer = connection.getresponse()
        body = answer.read(1 << 16)
        self.first = time.monotonic()
        body += answer.read()
        self.last = time.monotonic()
        self.good = answer.status == 200 and body == self.whole
        connection.close()


class PlainListener(threading.Thread):
    """Takes a piece of a song that is sent as it is, ten times a second; notes how late the latest came."""

    def __init__(self, server, path):
        super().__init__(daemon=True)
        self.server, self.path = server, path
        self.stopping, self.latest, self.pieces = threading.Event(), 0.0, 0

    def run(self):
        client = daap.Client(self.server.url)
        while not self.stopping.wait(0.1):
            begun = time.monotonic()
            status, _, body = client.get(self.path, headers={"Range": "bytes=%d-%d" % (0, PIECE - 1)})
            assert (status, len(body)) == (206, PIECE), status
            self.latest = max(self.latest, time.monotonic() - begun)
            self.pieces += 1


def check_many(checks, server, client, wholes):
    """Many at once: all in their turns, and nobody else waits."""
    path, whole = wholes["flac"]
    _, items = listed(server, ITUNES)
    plain = PlainListener(server, client.song_path(items["mpeg"]))
    plain.start()
    listeners = [Listener(server, path, whole) for _ in range(AT_ONCE)]
    for listener in listeners:
        listener.start()
    most_open = most_made = 0
    while any(listener.is_alive() for listener in listeners):
        is_open, made = gauges(server)
        most_open, most_made = max(most_open, is_open), max(most_made, made)
        time.sleep(0.02)
    plain.stopping.set()
    plain.join()
    checks.equal("%d-at-once" % AT_ONCE, sum(listener.good for listener in listeners), AT_ONCE)
    checks.check(1 <= most_made <= TURNS, "made-at-once", "%d of %d open, at most %d" % (most_made, most_open, TURNS))
    checks.check(most_open > AT_ONCE // 2, "open-at-once", most_open)
    last_begun, first_ended = max(l.first for l in listeners), min(l.last for l in listeners)
    checks.check(last_begun < first_ended, "nobody-waits-for-another-to-end", "%.2f s" % (first_ended - last_begun))
    checks.check(plain.pieces > 5 and plain.latest < LATE_S, "a-plain-stream-keeps-its-rate",
                 "%d pieces, the latest after %.3f s" % (plain.pieces, plain.latest))


def check_gone(checks, server, wholes):
    """Clients that stand still or go away hold nothing up."""
    path, whole = wholes["flac"]
    stalled = []
    for _ in range(8):
        connection = http.client.HTTPConnection(server.host, server.port, timeout=20)
        connection.request("GET", path, headers={"User-Agent": ITUNES})
        connection.getresponse().read(1000)
        stalled.append(connection)
    _, _, body = server.client(agent=ITUNES).get(path)
    checks.check(body == whole, "beside-those-that-stand-still", gauges(server))
    for connection in stalled:
        connection.close()
    checks.check(e2e.wait_for(lambda: gauges(server) == (0, 0), 5), "places-are-given-back", gauges(server))


def main():
    checks = e2e.Checks()
    folder = e2e.cached("transcode", make)
    with e2e.Server(folder) as server:
        server.scanned(len(SONGS))
        client, wholes = check_files(checks, server, folder)
        check_ranges(checks, client, wholes)
        check_clients(checks, server, folder)
        with checks.step("many"):
            check_many(checks, server, client, wholes)
        check_gone(checks, server, wholes)
        server.check_end(checks)
    with e2e.Server(folder, data=e2e.fresh("never"), options=["--transcode", "never"]) as server:
        server.scanned(len(SONGS))
        checks.equal("never", listed(server, ITUNES)[1]["flac"][b"asfm"], "flac")
    with e2e.Server(folder, data=e2e.fresh("always"), options=["--transcode", "always"]) as server:
        server.scanned(len(SONGS))
        client, items = listed(server, RHYTHMBOX)
        checks.equal("always", {item[b"asfm"] for item in items.values()}, {"wav"})
        _, _, body = client.get(client.song_path(items["mpeg"]))
        checks.equal("always-mp3", (body[:4], len(body)), (b"RIFF", items["mpeg"][b"assz"]))
    checks.finish()


main()
