#!/usr/bin/env python3
"""Audio files that others made and tagged: the test data of tagging libraries, compared with ffprobe.

The source packages are fetched by name with pip, once. Many of their files are broken on purpose: those that
ffprobe cannot read must not hurt. For the others title, artist, album, track and duration agree, or
`EXPLAINED` says why they do not.
"""
import collections
import fnmatch
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile

import e2e

PACKAGES = ["mutagen==1.47.0", "beets==2.14.1"]
SUFFIXES = {"mp3", "mp2", "m4a", "m4b", "mp4", "aac", "flac", "ogg", "oga", "opus", "spx", "wav", "aif", "aiff", "aifc",
            "ape", "mpc", "wv", "wma", "dsf", "tta"}
META = "dmap.itemid,dmap.itemname,daap.songartist,daap.songalbum,daap.songtracknumber,daap.songtime,daap.songsize,daap.songformat"
DURATION_MS = 50

# Where we differ from ffprobe: pattern of files, field (`listed` for whether it is a song at all), reason.
EXPLAINED = [
    ("*.dsf", "listed", "DSD is not read by our tag library, and no DAAP client plays it"),
    ("*.tta", "listed", "True Audio is not read by our tag library"),
    ("*.wma", "listed", "Windows Media is not read by our tag library"),
    ("*/truncated-64bit.mp4", "listed", "cut off in its index; ffprobe finds 14 of its frames"),
    ("*/audacious-trailing-id32-apev2.mp3", "duration", "an ID3v2 tag behind the sound counts as sound, more so for ffprobe"),
    ("*/bad-TYER-frame.mp3", "artist", "only its ID3v1 tag has one; ffprobe reads one of the two"),
    ("*/bad-TYER-frame.mp3", "album", "only its ID3v1 tag has one; ffprobe reads one of the two"),
    ("*/id3v1v2-combined.mp3", "album", "its ID3v2 tag has none, the ID3v1 tag has; ffprobe reads one of the two"),
    ("*/silence-2s-PCM-*-ID3v23.wav", "artist", "its ID3 tag has two artists; ffprobe takes the RIFF tag"),
    ("*/silence-44-s.flac", "artist", "two artists, joined with another sign"),
    ("*/silence-44-s.wv", "artist", "two artists; ffprobe takes the first"),
    ("*/silence-44-s.mp3", "artist", "two frames where the standard allows one; ffprobe takes the first, we the last"),
]
DECODED = "ffprobe guesses the length; decoding the sound gives ours"


def fetch(folder):
    """The packages' sources, unpacked."""
    for package in PACKAGES:
        done = e2e.run(sys.executable, "-m", "pip", "download", "--quiet", "--no-binary", ":all:", "--no-deps",
                       "--dest", folder, package, timeout=300)
        if done.returncode:
            raise RuntimeError("pip download %s: %s" % (package, done.stderr[-300:]))
    for name in sorted(os.listdir(folder)):
        with tarfile.open(os.path.join(folder, name)) as archive:
            archive.extractall(folder, filter="data")


def collect(source, music):
    """Copies the audio files, and what they are told apart by: their content."""
    files = collections.defaultdict(list)
    for folder, _, names in sorted(os.walk(source)):
        for name in sorted(names):
            path = os.path.join(folder, name)
            if name.rsplit(".", 1)[-1].lower() not in SUFFIXES or os.path.islink(path):
                continue
            relative = os.path.relpath(path, source)
            target = os.path.join(music, relative)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copy(path, target)
            with open(path, "rb") as f:
                files[hashlib.sha256(f.read()).hexdigest()].append(relative)
    return files


def ffprobe(path):
    """What ffprobe reads, or None if there is no sound in the file for it."""
    done = e2e.run("ffprobe", "-v", "error", "-show_format", "-show_streams", "-select_streams", "a:0", "-of", "json", path)
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        return None
    if not answer.get("streams") or "duration" not in answer.get("format", {}):
        return None
    # Ogg has its tags in the stream, others in the format.
    tags = {key.lower(): value for part in (answer["streams"][0], answer["format"]) for key, value in part.get("tags", {}).items()}
    track = re.match(r"\s*(\d+)", tags.get("track", ""))
    return {"title": clean(tags.get("title")), "artist": clean(tags.get("artist")), "album": clean(tags.get("album")),
            "track": int(track.group(1)) if track else 0, "ms": round(float(answer["format"]["duration"]) * 1000)}


def decoded_ms(path):
    """How long the sound is when all of it is decoded."""
    command = ["ffmpeg", "-nostdin", "-v", "quiet", "-i", path, "-map", "0:a:0", "-ac", "1", "-ar", "8000", "-f", "s16le", "-"]
    return len(subprocess.run(command, stdout=subprocess.PIPE, timeout=60).stdout) // 16


def clean(text):
    return (text or "").replace("\0", "").strip()


def explained(path, field):
    return next((reason for pattern, what, reason in EXPLAINED if what == field and fnmatch.fnmatch(path, pattern)), None)


class Comparison:
    def __init__(self, checks):
        self.checks, self.reasons = checks, collections.Counter()

    def differs(self, path, field, detail):
        reason = explained(path, field)
        if reason:
            self.reasons[reason] += 1
        else:
            self.checks.fail("%s %s" % (field, path), detail)
        return bool(reason)

    def song(self, path, file, want, song):
        stem = os.path.basename(path).rsplit(".", 1)[0]
        got = {"title": song.get(b"minm", ""), "artist": song.get(b"asar", ""), "album": song.get(b"asal", ""),
               "track": song.get(b"astn", 0)}
        # A song without a title goes by its file's name.
        want = dict(want, title=want["title"] or stem)
        good = True
        for field, value in got.items():
            if value != want[field]:
                good &= self.differs(path, field, "%r, ffprobe says %r" % (value, want[field]))
        ms = song.get(b"astm", 0)
        if abs(ms - want["ms"]) > DURATION_MS:
            if abs(ms - decoded_ms(file)) <= DURATION_MS:
                self.reasons[DECODED] += 1
            else:
                good &= self.differs(path, "duration", "%d ms, ffprobe says %d ms" % (ms, want["ms"]))
        if good:
            self.checks.ok(path)


def main():
    checks = e2e.Checks()
    source = e2e.cached("sources-" + hashlib.sha256(" ".join(PACKAGES).encode()).hexdigest()[:8],
                        lambda path: (os.makedirs(path), fetch(path)))
    music = e2e.fresh("music")
    files = collect(source, music)
    with e2e.Server(music) as server:
        server.scanned(1)
        client = server.client().open()
        comparison = Comparison(checks)
        listed = collections.defaultdict(list)
        for song in client.items(META):
            status, _, body = client.get(client.song_path(song))
            checks.check(status == 200 and len(body) == song[b"assz"], "streams", song[b"minm"])
            listed[hashlib.sha256(body).hexdigest()].append(song)
        for content, paths in sorted(files.items(), key=lambda pair: pair[1]):
            for path in paths:
                want = ffprobe(os.path.join(music, path))
                songs = listed.get(content, [])
                stem = os.path.basename(path).rsplit(".", 1)[0]
                song = next((song for song in songs if song.get(b"minm") == stem), songs[0] if songs else None)
                if want and song:
                    comparison.song(path, os.path.join(music, path), want, song)
                elif want:
                    comparison.differs(path, "listed", "ffprobe reads it, and it is not listed")
        suffixes = collections.Counter(song.get(b"asfm") for songs in listed.values() for song in songs)
        checks.check(len(suffixes) >= 8, "formats", dict(suffixes))
        unused = {reason for _, _, reason in EXPLAINED} - set(comparison.reasons)
        checks.check(not unused, "explanations-needed", sorted(unused))
        for reason, count in comparison.reasons.most_common():
            print("explained: %3d x %s" % (count, reason))
        server.check_end(checks)
    checks.finish()


main()
