#!/usr/bin/env python3
"""`dapple ls` and `dapple get` against servers that misbehave: what can be had is had, whole; what cannot is said, with the
exit code of a failure; no half file has a final name, and memory stays bounded."""
import concurrent.futures
import itertools
import os
import re
import resource
import subprocess
import threading

import bad_server
import e2e
from bad_server import Answer, Share, chunked, dmap, entry, packed, status, whole

PARTIAL = ".part"
MANY = 1_000_000
MANY_RSS_MB = 64
AT_ONCE = 8
LIMIT_S = 150
UNBOUNDED_S = 5
SONG = re.compile(r"/databases/1/items/\d+\.\w+$")
LIST = "/databases/1/items"


# ------------------------------------------------------------------ misbehaviours

def of_songs(spoil, only=None):
    """A misbehaviour for the bytes of songs, or of one of them."""
    def spoiled(share, request):
        song = SONG.match(request.path) and share.song(request)
        if song and (only is None or share.songs[only] == song):
            return spoil(share, request, song)
    return spoiled


def of(path, answer):
    """Always this answer to the requests for a path; with None, to all."""
    return lambda share, request: answer(share, request) if path is None or request.path == path else None


def once(spoil):
    """Just the first time that each thing is asked for."""
    seen = set()

    def spoiled(share, request):
        if request.path not in seen and (answer := spoil(share, request)):
            seen.add(request.path)
            return answer
    return spoiled


def stall(_share, request, song):
    start = request.range() or 0
    return Answer(200 if not start else 206, {"Content-Range": "bytes %d-%d/%d" % (start, len(song) - 1, len(song))} if start else {},
                  [song[start:][:1000], None], length=len(song) - start)


def truncate(_share, request, song):
    start = request.range() or 0
    return Answer(200 if not start else 206, {"Content-Range": "bytes %d-%d/%d" % (start, len(song) - 1, len(song))} if start else {},
                  [song[start:][:1000]], length=len(song) - start)


def too_long(_share, _request, song):
    return Answer(200, parts=[song], length=len(song) + 5000)


def too_short(_share, _request, song):
    return Answer(200, parts=[song[:len(song) // 2]])


def longer_than_listed(_share, _request, song):
    return whole(song + b"more")


def no_length(_share, _request, song):
    return Answer(200, {"Connection": "close"}, iter([song]))


def wrong_range(_share, request, song):
    """What HTTP forbids: other bytes than those asked for, said so."""
    if request.range() is not None:
        return Answer(206, {"Content-Range": "bytes 0-%d/%d" % (len(song) - 1, len(song))}, [song])


def absurd_range(_share, request, song):
    """The right bytes with a Content-Range that says nothing sensible."""
    if request.range() is not None:
        return Answer(206, {"Content-Range": "bytes 99999999999999999999-5/*"}, [song[request.range():]])


def no_range(_share, request, song):
    if request.range() is not None:
        return whole(song)


def in_chunks(_share, _request, song):
    parts = (song[at:at + 7000] for at in range(0, len(song), 7000))
    return Answer(200, {"Transfer-Encoding": "chunked"}, chunked(parts))


def broken_chunks(_share, _request, song):
    return Answer(200, {"Transfer-Encoding": "chunked", "Connection": "close"}, [b"%x\r\n" % len(song), song[:1000]])


def unasked_gzip(_share, _request, song):
    return whole(packed(song), Content_Encoding="gzip")


def gzip_list(share, _request):
    return whole(packed(share.behave(_request).parts[0]), Content_Encoding="gzip")


def broken_gzip(share, request):
    return whole(packed(share.behave(request).parts[0])[:-20], Content_Encoding="gzip")


def moved(to):
    """Songs are elsewhere; `to` says where, `%(url)s` is the server."""
    def spoiled(share, request):
        if SONG.match(request.path) and "moved" not in request.query:
            song = {"url": share.url, "target": request.target + ("&" if request.query else "?") + "moved=1"}
            return status(302, Location=to % song)
    return spoiled


def moved_for_ever(share, request):
    if SONG.match(request.path):
        return status(302, Location=share.url + request.path)


def endless_list(_share, _request):
    """It says that four gigabytes come, and they do."""
    head = b"".join([dmap("mstt", 200), dmap("muty", 0), dmap("mtco", 5), dmap("mrco", 5), b"mlcl\xff\xff\xff\x00"])
    song = entry(("mikd", 2), ("miid", 7), ("minm", "again and again"), ("asfm", "mp3")) * 500
    return Answer(200, {"Transfer-Encoding": "chunked"}, chunked(itertools.chain([b"adbs\xff\xff\xff\xff" + head], itertools.repeat(song))))


def endless_entry(_share, _request):
    """One song with a title that does not end."""
    head = b"adbs\xff\xff\xff\xff" + dmap("mstt", 200) + b"mlcl\xff\xff\xff\x00mlit\xff\xff\xfe\x00minm\xff\xff\xf0\x00"
    return Answer(200, {"Transfer-Encoding": "chunked"}, chunked(itertools.chain([head], itertools.repeat(b"title" * 2000))))


def million(_share, _request):
    songs = b"".join(entry(("mikd", 2), ("miid", number), ("mper", number), ("minm", "Song number %07d" % number), ("asar", "Somebody"),
                           ("asal", "Something"), ("asfm", "mp3"), ("astm", 1000)) for number in range(1, 1001))
    count = MANY // 1000
    head = dmap("mstt", 200) + dmap("muty", 0) + dmap("mtco", MANY) + dmap("mrco", MANY)
    body = b"mlcl" + (len(songs) * count).to_bytes(4, "big")
    length = len(head) + len(body) + len(songs) * count
    return Answer(parts=itertools.chain([b"adbs" + length.to_bytes(4, "big") + head + body], itertools.repeat(songs, count)), length=length + 8)


def garbage(_share, _request):
    return whole(bytes(range(256)) * 40)


def overrunning(share, request):
    """A list whose first entry says that it is longer than the list."""
    body = share.behave(request).parts[0]
    at = body.index(b"mlit")
    return whole(body[:at + 4] + b"\x7f\xff\xff\xff" + body[at + 8:])


def short_list(share, request):
    """Ends in the middle of an entry."""
    return Answer(parts=[share.behave(request).parts[0][:-30]])


# ------------------------------------------------------------------ what becomes of it

class Case:
    """A misbehaviour, the command that meets it, and how that ends: its exit code, what it says on standard error, and which of the
    songs it has fetched whole."""

    def __init__(self, name, spoil, code=0, says=(), fetches=(0, 1, 2), **share):
        self.name, self.spoil, self.code, self.says, self.fetches, self.share = name, spoil, code, says, fetches, share


FAILED = 1
NONE = ()
GET = [
    Case("behaves", None),
    Case("stalls", of_songs(stall, only=1), FAILED, ["said nothing"], (0, 2)),
    Case("truncates", of_songs(truncate, only=1), FAILED, ["ended after"], (0, 2)),
    Case("truncates-once", once(of_songs(truncate))),
    Case("length-too-long", of_songs(too_long), FAILED, ["Two"], NONE),
    Case("length-too-short", of_songs(too_short, only=0), FAILED, ["One"], (1, 2)),
    Case("longer-than-listed", of_songs(longer_than_listed, only=0), FAILED, ["One"], (1, 2)),
    Case("no-length", of_songs(no_length)),
    Case("chunked", of_songs(in_chunks)),
    Case("chunked-and-cut", of_songs(broken_chunks, only=2), FAILED, ["Three"], (0, 1)),
    Case("gzip-unasked", of_songs(unasked_gzip)),
    Case("redirect-absolute", moved("%(url)s%(target)s")),
    Case("redirect-relative", moved("%(target)s")),
    Case("redirect-for-ever", moved_for_ever, FAILED, ["moved"], NONE),
    Case("song-404", of_songs(lambda *_: status(404), only=1), FAILED, ["404", "Two"], (0, 2)),
    Case("song-503", of_songs(lambda *_: status(503)), FAILED, ["busy"], NONE),
    Case("gzip-list", of(LIST, gzip_list)),
]
