"""Sixty short songs in four formats, many with tags that programs trip over, for the servers that others wrote."""
import json
import os

import own_tracks

FORMATS = ["mp3", "ogg", "flac", "m4a"]
FIELDS = ["title", "artist", "albumartist", "album", "genre", "track", "disc", "year"]

PLAIN = [dict(title="%s %d" % (album, track), artist=artist, albumartist=artist, album=album, genre=genre, track=track, disc=disc,
              year=year)
         for artist, album, genre, disc, year in [("Aurora Quartet", "Morning Songs", "Jazz", 1, 1999),
                                                  ("Björk & Søn", "Naïve Ünïcode", "Pop", 2, 2011),
                                                  ("東京楽団", "夜", "World", 1, 2020),
                                                  ("Vorbis Trio", "Open Formats", "Electronic", 3, 2005)]
         for track in range(1, 10)]

# What each is not given is absent.
ODD = [
    dict(title="../../etc/passwd", artist="..", albumartist="/", album="../../..", track=1),
    dict(title="CON", artist="aux.", albumartist="NUL", album="com1.mp3", track=2),
    dict(title="AC/DC?", artist="AC/DC", album="What? <Who>: \"Why\"*|", track=3),
    dict(title="'It''s \\ a test'", artist="Guns N' Roses", album="Use Your Illusion I+II, 100%", genre="Rock, Hard", track=4),
    dict(title="Twice", artist="Same", albumartist="Same", album="Same", track=1, genre="Jazz"),
    dict(title="שלום עולם", artist="أغنية", album="עברית", genre="World", year=2001),
    dict(title="de\u0301compose\u0301", artist="Composé", album="Été"),
    dict(title="🎵 notes 🎶", artist="👩‍🎤", album="🏳️‍🌈"),
    dict(title="Twice", artist="Same", albumartist="Same", album="Same", track=1, genre="Pop"),
    dict(title="long " * 60, artist="Very " * 40, album="Longer " * 40),
    dict(title="*star* (and) [brackets]", artist="*", album="!:+,'"),
    dict(title="trailing dot.", artist="trailing space ", album="...", year=1066),
    dict(title="no artist", album="Only an album"),
    dict(title="no album", artist="Only an artist"),
    dict(title="nothing else"),
    dict(artist="No Title", album="Untitled"),
    dict(title="big numbers", artist="Numbers", album="Numbers", track=999, disc=99, year=9999),
    dict(title="&amp; <b>&lt;</b> %41%2e", artist="a=b&c=d#e?f", album="x;y", genre="<script>"),
    dict(title="-1", artist="--help", album="-o", track=7),
    dict(title="one two", artist="Aurora Quartet", albumartist="Various Artists", album="Gathered", genre="Jazz", track=1, year=1999),
    dict(title="three four", artist="Vorbis Trio", albumartist="Various Artists", album="Gathered", genre="Jazz", track=2, year=1999),
    dict(title="~", artist="$HOME", album="`id`; $(id)", track=1),
    dict(title=".hidden", artist="#", album="#1", track=8),
    dict(title="con\u202etxt.exe", artist="\u200b", album="\ufeffbom"),
]
TAG_NAMES = {"albumartist": "album_artist", "year": "date"}
SECONDS = {"mp3": 1.2, "ogg": 1.5, "flac": 1.1, "m4a": 2.0}
COVERED = 6     # so many of the first songs of each format that can have a cover


def make(folder):
    """Writes the songs into `folder`, and beside it their manifest: what was put in, and what files they became."""
    os.makedirs(folder)
    cover = os.path.join(os.path.dirname(folder), "foreign-cover.jpg")
    own_tracks.ffmpeg("-f", "lavfi", "-i", "testsrc=size=200x200:rate=1", "-frames:v", 1, cover)
    songs = []
    for number, fields in enumerate(PLAIN + ODD):
        form = FORMATS[number % len(FORMATS)]
        name = "%02d.%s" % (number, form)
        path = os.path.join(folder, name)
        covered = number < COVERED * len(FORMATS) and form != "ogg"
        tags = {TAG_NAMES.get(key, key): value for key, value in fields.items()}
        own_tracks.tone(path, dict(tags, comment=name), SECONDS[form], 300 + 10 * number, cover if covered else None)
        song = {field: fields.get(field, 0 if field in ("track", "disc", "year") else "") for field in FIELDS}
        songs.append(dict(song, file=name, path=path, format=form, size=os.path.getsize(path), bitrate=128,
                          time=round(SECONDS[form] * 1000), cover=cover if covered else None))
    with open(folder + ".manifest.json", "w", encoding="utf-8") as f:
        json.dump(songs, f, ensure_ascii=False, indent=1)
