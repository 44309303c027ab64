#!/usr/bin/env python3
"""Seven small songs of our own, made with ffmpeg: several formats, other scripts, quotes, a cover.

    own_tracks.py DIR      makes DIR and, beside it, DIR.manifest.json
"""
import json
import os
import subprocess
import sys

# file, title, artist, album, genre, track, disc, year, seconds, Hz
TRACKS = [
    ("01 First Light.mp3", "First Light", "Aurora Quartet", "Morning Songs", "Jazz", 1, 1, 1999, 12, 440),
    ("02 Second Wind.mp3", "Second Wind", "Aurora Quartet", "Morning Songs", "Jazz", 2, 1, 1999, 9, 494),
    ("03 Łódź café.mp3", "Łódź café – été", "Björk & Søn", "Naïve Ünïcode", "Pop", 3, 1, 2011, 7, 523),
    ("04 日本の歌.flac", "日本の歌", "東京楽団", "夜", "World", 1, 1, 2020, 8, 587),
    ("05 Amp & Angle.m4a", "Amp & <Angle> 'Quote\"", "The \"Quoted\" Band", "Escapes, 100% + more", "Rock", 1, 2, 1984, 6, 659),
    ("06 Ogg Tune.ogg", "Ogg Tune", "Vorbis Trio", "Open Formats", "Electronic", 1, 1, 2005, 5, 698),
    ("07 Long One.mp3", "Long One", "Aurora Quartet", "Evening Songs", "Jazz", 1, 1, 2003, 40, 784),
]
CODECS = {"mp3": ["-c:a", "libmp3lame", "-b:a", "128k", "-id3v2_version", "3"],
          "flac": ["-c:a", "flac"],
          "m4a": ["-c:a", "aac", "-b:a", "128k"],
          "ogg": ["-c:a", "libvorbis"]}


def ffmpeg(*arguments):
    command = ["ffmpeg", "-nostdin", "-v", "error", "-y", *[str(argument) for argument in arguments]]
    subprocess.run(command, check=True, timeout=120)


def tone(path, tags, seconds=2, hertz=440, cover=None):
    """Writes one song; the format follows from the suffix."""
    suffix = path.rsplit(".", 1)[1]
    inputs = ["-f", "lavfi", "-i", "sine=frequency=%d:sample_rate=44100:duration=%s" % (hertz, seconds)]
    if cover and suffix != "ogg":
        inputs += ["-i", cover, "-map", "0:a", "-map", "1:v", "-c:v", "mjpeg", "-disposition:v", "attached_pic"]
    texts = [part for key, value in tags.items() for part in ("-metadata", "%s=%s" % (key, value))]
    ffmpeg(*inputs, *CODECS[suffix], "-ac", 2, *texts, path)


def make(folder):
    """Makes the seven songs in `folder` and the manifest beside it."""
    os.makedirs(folder, exist_ok=True)
    cover = os.path.join(folder, "cover.jpg")
    ffmpeg("-f", "lavfi", "-i", "testsrc=size=300x300:rate=1", "-frames:v", 1, cover)
    made = []
    for name, title, artist, album, genre, track, disc, year, seconds, hertz in TRACKS:
        path = os.path.join(folder, name)
        tags = dict(title=title, artist=artist, album=album, genre=genre, track=track, disc=disc, date=year)
        tone(path, tags, seconds, hertz, cover)
        made.append(dict(file=name, title=title, artist=artist, album=album, genre=genre, track=track, disc=disc,
                         year=year, ms=seconds * 1000, format=name.rsplit(".", 1)[1], size=os.path.getsize(path)))
    with open(folder + ".manifest.json", "w", encoding="utf-8") as f:
        json.dump({"tracks": made}, f, ensure_ascii=False, indent=1)


if __name__ == "__main__":
    make(sys.argv[1].rstrip("/"))
