#!/usr/bin/env python3
"""`dapple ls` and `dapple get` against servers that misbehave: what can be had is had, whole; what cannot is said, with the
exit code of a failure; no half file has a final name, and memory stays bounded."""
import concurrent.futures
import itertools
import os
import re
import subprocess
import threading

import client
import e2e
from bad_server import Answer, Raw, Share, chunked, dmap, entry, packed, status, whole

PARTIAL = ".part"
MANY = 1_000_000
MANY_RSS_MB = 32        # a million songs held would be hundreds
AT_ONCE = 8
TIMEOUT_S = 100
ENDLESS_S = 3
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


def once_truncated(spoil):
    """The first answer is cut short, so that the second is asked for from there."""
    begun = once(of_songs(truncate))
    return lambda share, request: begun(share, request) or of_songs(spoil)(share, request)


def beginning(*parts):
    """Of what is asked for comes only this."""
    def spoiled(share, request, song):
        answer = share.behave(request)
        return Answer(answer.status, dict(answer.headers), [answer.parts[0][:1000], *parts], length=len(answer.parts[0]))
    return spoiled


stall = beginning(None)
truncate = beginning()


def too_long(_share, _request, song):
    return Answer(200, parts=[song], length=len(song) + 5000)


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


def gzip_list(share, request):
    return whole(packed(share.behave(request).parts[0]), Content_Encoding="gzip")


def listed_with(size):
    """Every song is listed with another size than it has."""
    return of(LIST, lambda share, request: whole(share.behave(request).parts[0].replace(dmap("assz", 300_000), dmap("assz", size))))


def half(_share, _request, song):
    """All that is announced comes, and it is half of what is listed."""
    return whole(song[:len(song) // 2])


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
    parts = itertools.chain([b"adbs\xff\xff\xff\xff" + head], itertools.repeat(song))
    return Answer(200, {"Transfer-Encoding": "chunked"}, chunked(parts))


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
    first = b"adbs" + length.to_bytes(4, "big") + head + body
    return Answer(parts=itertools.chain([first], itertools.repeat(songs, count)), length=length + 8)


def garbage(_share, _request):
    return whole(bytes(range(256)) * 40)


def overrunning(share, request):
    """A list whose first entry says that it is longer than the list."""
    body = share.behave(request).parts[0]
    at = body.index(b"mlit")
    return whole(body[:at + 4] + b"\x7f\xff\xff\xff" + body[at + 8:])


def stalling_list(share, request):
    return Answer(parts=[share.behave(request).parts[0][:-30], None], length=100_000)


def short_list(share, request):
    """Ends in the middle of an entry."""
    return Answer(parts=[share.behave(request).parts[0][:-30]])


# ------------------------------------------------------------------ what becomes of it

class Case:
    """A misbehaviour and how the command that meets it ends: its exit code, what it says on standard error, and how many songs
    are listed, or which of the three are fetched."""

    def __init__(self, name, spoil, gives, code=0, says=(), **share):
        self.name, self.spoil, self.gives, self.code, self.says, self.share = name, spoil, gives, code, says, share


FAILED = 2
NOTHING = 1
ALL = (0, 1, 2)
NONE = ()

GET = [
    Case("behaves", None, ALL),
    Case("stalls", of_songs(stall, only=1), (0, 2), FAILED, ["Two", "said nothing"]),
    Case("truncates", of_songs(truncate, only=1), (0, 2), FAILED, ["Two", "ended after"]),
    Case("truncates-once", once(of_songs(truncate)), ALL),
    Case("length-too-long", of_songs(too_long), NONE, FAILED, ["Two", "ended after"]),
    Case("lists-too-few", listed_with(299_999), ALL, says=["300000 bytes came", "it lists 299999"]),
    Case("lists-too-many", listed_with(300_001), NONE, FAILED, ["300000 bytes came", "lists 300001", "--any-size"]),
    Case("length-too-short", of_songs(half), NONE, FAILED, ["150000 bytes came", "lists 300000", "--any-size"]),
    Case("no-length", of_songs(no_length), ALL),
    Case("wrong-range", once_truncated(wrong_range), ALL),
    Case("absurd-range", once_truncated(absurd_range), ALL),
    Case("no-range", once_truncated(no_range), ALL),
    Case("chunked", of_songs(in_chunks), ALL),
    Case("chunked-and-cut", of_songs(broken_chunks, only=2), (0, 1), FAILED, ["Three"]),
    Case("gzip-unasked", of_songs(unasked_gzip), ALL),
    Case("redirect-absolute", moved("%(url)s%(target)s"), ALL),
    Case("redirect-relative", moved("%(target)s"), ALL),
    Case("redirect-for-ever", moved_for_ever, NONE, FAILED, ["moved"]),
    Case("song-404", of_songs(lambda *_: status(404), only=1), (0, 2), FAILED, ["404", "Two"]),
    Case("song-403", of_songs(lambda *_: status(403)), NONE, FAILED, ["refused with status 403"]),
    Case("song-503", of_songs(lambda *_: status(503)), NONE, FAILED, ["busy"]),
    Case("names-that-lead-away", None, ALL, titles=["../../../escaped", "/etc/passwd", "..\\..\\escaped"]),
    Case("names-that-are-alike", None, ALL, titles=["Same", "same", "Same"]),
    Case("names-that-are-none", None, ALL, titles=["", "...", "con"]),
    Case("list-gzip", of(LIST, gzip_list), ALL),
    Case("list-garbage", of(LIST, garbage), NONE, FAILED, ["cannot be read"]),
]
LS = [
    Case("behaves", None, 3),
    Case("everywhere-403", of(None, lambda *_: status(403, DAAP_Server="iTunes/7.0 (Windows)")), 0, FAILED, ["iTunes/7.0", "Apple"]),
    Case("everywhere-401", of(None, lambda *_: status(401)), 0, FAILED, ["password"]),
    Case("everywhere-401-challenge", of(None, lambda *_: status(401, WWW_Authenticate="Basic realm=\"daap\"")), 0, FAILED, ["password"]),
    Case("everywhere-503", of(None, lambda *_: status(503)), 0, FAILED, ["busy"]),
    Case("everywhere-404", of(None, lambda *_: status(404)), 0, FAILED, ["no music share"]),
    Case("no-http", of(None, lambda *_: Raw(b"SSH-2.0-OpenSSH_9.2\r\n")), 0, FAILED, ["no music share"]),
    Case("a-web-page", of(None, lambda *_: whole(b"<html>hello</html>", Content_Type="text/html")), 0, FAILED, ["no music share"]),
    Case("list-gzip", of(LIST, gzip_list), 3),
    Case("list-gzip-cut", of(LIST, broken_gzip), None, FAILED, ["ended after"]),
    Case("list-garbage", of(LIST, garbage), 0, FAILED, ["cannot be read"]),
    Case("list-empty", of(LIST, lambda *_: whole(b"")), 0, FAILED, ["cannot be read"]),
    Case("list-overrun", of(LIST, overrunning), None, FAILED, ["cannot be read"]),
    Case("list-cut", of(LIST, short_list), None, FAILED, ["cannot be read"]),
    Case("list-stalls", of(LIST, stalling_list), None, FAILED, ["said nothing"]),
    Case("endless-entry", of(LIST, endless_entry), 0, FAILED, ["cannot be read"]),
    Case("session-lost", once(of(LIST, lambda *_: status(403))), 3),
]


def check_end(checks, name, case, done):
    missing = [text for text in case.says if text not in done.stderr]
    checks.check(done.returncode == case.code and not missing, name, "exit code %d, without %s: %s" % (
        done.returncode, missing, done.stderr.strip().replace("\n", " | ")[-400:]))


def get(checks, case):
    """Fetches everything twice: the second time goes on with what the first has left."""
    name = "get-" + case.name
    with checks.step(name), Share(case.spoil, **case.share) as share:
        outside = e2e.fresh(name)
        folder = os.path.join(outside, "a", "b", "c")
        os.makedirs(folder)
        for time in ("", "-again"):
            done = client.dapple("get", share.url, "--to", folder, "--timeout", "2", "--retries", "1")
            check_end(checks, name + time, case, done)
            # Whatever a file is called, it is a song, and lies where it was to.
            there = {path: content for path, content in client.files(outside).items() if not path.endswith(PARTIAL)}
            songs = [client.digest(share.songs[number]) for number in case.gives]
            checks.check(sorted(there.values()) == sorted(songs), name + time + "-files", sorted(there))
            checks.check(all(path.startswith("a/b/c/") for path in client.files(outside)), name + time + "-inside", sorted(there))


def ls(checks, case):
    name = "ls-" + case.name
    with checks.step(name), Share(case.spoil, **case.share) as share:
        done = client.dapple("ls", share.url)
        check_end(checks, name, case, done)
        # What came before it broke is printed.
        listed = len(done.stdout.splitlines())
        checks.check(listed <= 3 if case.gives is None else listed == case.gives, name + "-songs", listed)


def watched(arguments, seconds=TIMEOUT_S):
    """Runs `dapple` for at most so long: its exit code (None if it had to be ended), how many lines it printed, and its peak memory
    in MB while it did."""
    process = subprocess.Popen([e2e.SERVER, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                               env=e2e.environment())
    timer = threading.Timer(seconds, process.kill)
    timer.start()
    lines = peak = 0
    for _ in process.stdout:
        lines += 1
        if lines % 5000 == 0:
            peak = peak_mb(process.pid) or peak
    timer.cancel()
    code = process.wait()
    return (None if code < 0 else code), lines, peak


def peak_mb(pid):
    """How much memory a process has had at most; None if it has ended."""
    with open("/proc/%d/status" % pid, encoding="ascii") as f:
        told = re.search(r"^VmHWM:\s+(\d+) kB", f.read(), re.MULTILINE)
    return int(told.group(1)) / 1024 if told else None


def long_lists(checks):
    with Share(of(LIST, million)) as share:
        code, lines, memory = watched(["ls", share.url])
        good = code == 0 and lines == MANY and 0 < memory < MANY_RSS_MB
        checks.check(good, "ls-million", "exit code %s, %d lines, %.0f MB" % (code, lines, memory))
    with Share(of(LIST, endless_list)) as share:
        code, lines, memory = watched(["ls", share.url], ENDLESS_S)
        checks.check(lines > 5000 and 0 < memory < MANY_RSS_MB, "ls-endless", "exit code %s, %d lines, %.0f MB" % (code, lines, memory))


def main():
    checks = e2e.Checks()
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        # They mostly wait for a server that says nothing.
        for done in [pool.submit(run, checks, case) for run, cases in ((get, GET), (ls, LS)) for case in cases]:
            done.result()
    with checks.step("long-lists"):
        long_lists(checks)
    checks.finish()


main()
