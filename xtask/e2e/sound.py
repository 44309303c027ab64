#!/usr/bin/env python3
"""What the `file:` output gets, to the last sample: FLAC, Apple Lossless and WAV are what ffmpeg decodes; two songs of mp3 or
AAC that were cut from one recording join as if they had not been; the position that a Remote is told is where the file ends."""
import array
import math
import os
import struct
import subprocess
import threading
import time
import urllib.parse
import wave

import e2e

RATE, FRAME = 44_100, 4
# Where the recording is cut: no whole number of packets of any codec.
CUTS = (0, 77_777, 146_003)
ALBUMS = {
    "FLAC": ("flac", ["-c:a", "flac"]),
    "Apple Lossless": ("m4a", ["-c:a", "alac"]),
    "WAV": ("wav", ["-c:a", "pcm_s16le"]),
    "mp3": ("mp3", ["-c:a", "libmp3lame", "-b:a", "320k", "-id3v2_version", "3"]),
    "AAC": ("m4a", ["-c:a", "aac", "-b:a", "320k"]),
}
LOSSLESS = ("FLAC", "Apple Lossless", "WAV")
POSITION_S = 0.05


def recording():
    """Stereo in which no moment is like another: tones that glide."""
    samples = array.array("h")
    for n in range(CUTS[-1]):
        t = n / RATE
        left = math.sin(2 * math.pi * (200 * t + 90 * t * t)) + 0.5 * math.sin(2 * math.pi * (1100 * t - 70 * t * t))
        right = math.sin(2 * math.pi * (330 * t + 40 * t * t)) + 0.5 * math.sin(2 * math.pi * (900 * t + 110 * t * t))
        samples.extend((round(9_000 * left), round(9_000 * right)))
    return samples


def ffmpeg(*arguments):
    return subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", *arguments], check=True, timeout=60, stdout=subprocess.PIPE).stdout


def encode(samples, music):
    """Cuts the recording in two, and makes an album of the parts in every format. The files, by album."""
    files = {album: [] for album in ALBUMS}
    for track, (start, end) in enumerate(zip(CUTS, CUTS[1:]), 1):
        cut = os.path.join(e2e.WORK, "cut-%d.wav" % track)
        with wave.open(cut, "wb") as out:
            out.setnchannels(2)
            out.setsampwidth(2)
            out.setframerate(RATE)
            out.writeframes(samples[2 * start:2 * end].tobytes())
        for album, (suffix, codec) in ALBUMS.items():
            folder = os.path.join(music, album)
            os.makedirs(folder, exist_ok=True)
            path = os.path.join(folder, "%d.%s" % (track, suffix))
            tags = {"title": "%s %d" % (album, track), "artist": "Glide", "album": album, "track": track}
            texts = [part for key, value in tags.items() for part in ("-metadata", "%s=%s" % (key, value))]
            ffmpeg("-i", cut, *codec, *texts, path)
            files[album].append(path)
    return files


class Played:
    """`dapple play` of an album into a file, on its way."""

    def __init__(self, server, album):
        self.file = os.path.join(e2e.WORK, album + ".pcm")
        url = "daap://%s:%d/albums/Glide/%s" % (server.host, server.port, urllib.parse.quote(album))
        self.process = subprocess.Popen(
            [e2e.SERVER, "play", url, "--output", "file:" + self.file], stdin=subprocess.DEVNULL, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=e2e.environment())

    def end(self, checks, album):
        """The PCM that it wrote."""
        said, complained = self.process.communicate(timeout=30)
        checks.equal("%s: ends well" % album, (self.process.returncode, complained), (0, ""))
        titles = [line.split("\t")[0] for line in said.splitlines()]
        checks.equal("%s: both songs" % album, titles, ["%s %d" % (album, track) for track in (1, 2)])
        with open(self.file, "rb") as f:
            return f.read()


def lossless(checks, album, pcm, files):
    decoded = b"".join(ffmpeg("-i", path, "-f", "s16le", "-") for path in files)
    checks.check(pcm == decoded, "%s: what ffmpeg decodes" % album, "%d bytes of %d" % (len(pcm), len(decoded)))


def error_db(got, want, first, frames, lag=0):
    """How far below the sound the difference is, in the left channel."""
    noise = signal = 0
    for n in range(first, first + frames):
        noise += (got[2 * (n + lag)] - want[2 * n]) ** 2
        signal += want[2 * n] ** 2
    return 10 * math.log10(max(noise, 1) / signal)


def gapless(checks, album, pcm, samples):
    checks.equal("%s: samples" % album, len(pcm) // FRAME, CUTS[-1])
    got = array.array("h", pcm)
    join, around = CUTS[1], 1_500
    for where, first in (("before", join - around), ("across", join - around // 2), ("after", join)):
        lags = {lag: error_db(got, samples, first, around, lag) for lag in range(-3, 4)}
        best = min(lags, key=lags.get)
        checks.check(best == 0 and lags[0] < -20, "%s: %s the join" % (album, where), "%.0f dB, best at %+d" % (lags[0], best))


def property_ms(body, code):
    """A number of milliseconds in a status."""
    at = body.find(code + struct.pack(">I", 4))
    return None if at < 0 else struct.unpack(">I", body[at + 8:at + 12])[0]


def positions(checks, server, file):
    """What a Remote is told lies between the ends of the file before and after it asked."""
    client = server.client().open()
    query = "'daap.songalbum:FLAC'"
    status, _, _ = client.get(client.path("/ctrl-int/1/cue", command="play", query=query, sort="album", index="0"))
    checks.check(status in (200, 204), "positions: an album is cued", status)
    apart, songs = [], set()
    size = lambda: os.path.getsize(file) / FRAME / RATE if os.path.exists(file) else 0.0
    end = time.monotonic() + 20
    while size() < CUTS[-1] / RATE and time.monotonic() < end:
        before = size()
        _, _, body = client.get(client.path("/ctrl-int/1/playstatusupdate", revision_number=1))
        after = size()
        left, length = property_ms(body, b"cant"), property_ms(body, b"cast")
        if left is not None and length:
            song = 0 if abs(length / 1000 - CUTS[1] / RATE) < 0.01 else 1
            at = CUTS[song] / RATE + (length - left) / 1000
            apart.append(max(before - at, at - after))
            songs.add(song)
        time.sleep(0.01)
    checks.equal("positions: of both songs", songs, {0, 1})
    checks.check(len(apart) >= 50, "positions: asked for", "%d times" % len(apart))
    # On a machine that is busy elsewhere a thread is late now and then, and the file with it.
    near = sorted(apart)[len(apart) * 95 // 100]
    checks.check(near <= POSITION_S, "positions: agree with the file",
                 "to %.0f ms, 95 of 100; all to %.0f ms" % (near * 1000, max(apart) * 1000))


def main():
    checks = e2e.Checks()
    samples = recording()
    music = e2e.fresh("music")
    files = encode(samples, music)
    watched = os.path.join(e2e.WORK, "watched.pcm")
    with e2e.Server(music, options=["--output", "file:" + watched]) as server:
        server.scanned(len(ALBUMS) * 2)
        with checks.step("positions"):
            positions(checks, server, watched)
        played = {album: Played(server, album) for album in ALBUMS}
        for album in ALBUMS:
            with checks.step(album):
                pcm = played[album].end(checks, album)
                if album in LOSSLESS:
                    lossless(checks, album, pcm, files[album])
                else:
                    gapless(checks, album, pcm, samples)
        server.check_end(checks)
    checks.finish()


main()
