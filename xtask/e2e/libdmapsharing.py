#!/usr/bin/env python3
"""libdmapsharing 3.0, the library behind Rhythmbox and grilo, as the client.

    libdmapsharing.py [password | large]

password: with a password set. large: 20,000 songs; the time that this client takes to read a list grows with the
square of its length. Builds lds3.c with the system's compiler.
"""
import collections
import http.client
import json
import os
import subprocess
import sys
import urllib.parse

import e2e
import own_tracks

PASSWORD = "geheim"
MANY_SONGS = 20_000
COLUMNS = "id title artist album genre format secs track disc year bitrate size uri sort_artist sort_album".split()


def build():
    """The program, built once."""
    source, program = os.path.join(e2e.HERE, "lds3.c"), os.path.join(e2e.CACHE, "lds3")
    if not os.path.exists(program) or os.path.getmtime(program) < os.path.getmtime(source):
        os.makedirs(e2e.CACHE, exist_ok=True)
        flags = e2e.run("pkg-config", "--cflags", "--libs", "libdmapsharing-3.0", "libsoup-2.4", check=True).stdout.split()
        # Whole at once: another test may run it.
        fresh = "%s.%d" % (program, os.getpid())
        e2e.run("cc", "-w", "-o", fresh, source, *flags, check=True)
        os.replace(fresh, program)
    return program


class Run:
    """One connection of the client; its lines by their first word."""

    def __init__(self, program, server, password=None, hold=False):
        env = dict(os.environ, **({"LDS3_HOLD": "1"} if hold else {}))
        arguments = [program, server.host, str(server.port)] + ([password] if password is not None else [])
        self.process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True, env=env)
        self.lines = []
        for line in self.process.stdout:
            if line == "holding\n":
                return
            self.lines.append(line.rstrip("\n").split("\t"))
        self.process.wait(60)

    def end(self):
        if self.process.poll() is None:
            output, _ = self.process.communicate("\n", timeout=60)
            self.lines += [line.split("\t") for line in output.splitlines()]
        return self.process.returncode

    def get(self, kind):
        return [line[1:] for line in self.lines if line[0] == kind]


def fetch(url, headers, **more):
    """GET with just the headers that the client itself would send."""
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=20)
    connection.putrequest("GET", parts.path + "?" + parts.query, skip_accept_encoding=True)
    for key, value in [*headers, *more.items(), ("Connection", "close")]:
        connection.putheader(key, value)
    connection.endheaders()
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer, body


def check_tracks(checks, tracks, wanted):
    checks.equal("track-count", len(tracks), len(wanted))
    listed = {track["title"]: track for track in tracks}
    for want in wanted:
        got = listed.get(want["title"])
        if not got:
            checks.fail("track %r" % want["title"], "not listed")
            continue
        wrong = ["%s: got %r, expected %r" % (key, got[key], str(want[key]))
                 for key in ("artist", "album", "genre", "track", "disc", "year", "size", "format") if got[key] != str(want[key])]
        if abs(int(got["secs"]) - want["ms"] / 1000) > 1.01:
            wrong.append("length: got %s s, expected %.1f s" % (got["secs"], want["ms"] / 1000))
        checks.check(not wrong, "track %r" % want["title"], "; ".join(wrong))


def check_many(checks, tracks, wanted):
    """Every song is listed as often as it is there."""
    listed = collections.Counter(track["title"] for track in tracks)
    there = collections.Counter(track["title"] for track in wanted if track.get("title"))
    checks.equal("track-count", len(tracks), len(wanted))
    checks.check(not there - listed, "every-title", list((there - listed).items())[:3])


def check_streams(checks, held, tracks):
    """The bytes behind the first three URIs, with the headers that the client signs them with."""
    headers = {}
    for uri, key, value in held.get("header"):
        headers.setdefault(uri, []).append((key, value))
    checks.check(headers, "stream-headers", len(headers))
    for uri, signed in headers.items():
        track = next(track for track in tracks if track["uri"] == uri)
        with checks.step("stream %r" % track["title"]):
            url = uri.replace("daap://", "http://", 1)
            answer, body = fetch(url, signed)
            checks.check(answer.status == 200 and len(body) == int(track["size"]), "stream %r" % track["title"],
                         "%d, %d bytes, %s" % (answer.status, len(body), answer.getheader("content-type")))
            checks.equal("stream-length %r" % track["title"], answer.getheader("content-length"), str(len(body)))
            answer, part = fetch(url, signed, Range="bytes=1000-")
            checks.check(answer.status == 206 and part == body[1000:], "stream-range %r" % track["title"],
                         "%d, %s" % (answer.status, answer.getheader("content-range")))


def main():
    checks = e2e.Checks()
    password = PASSWORD if sys.argv[1:] == ["password"] else None
    program = build()
    large = sys.argv[1:] == ["large"]
    if large:
        folder, manifest = e2e.generated(MANY_SONGS)
        wanted = manifest["tracks"]
    else:
        folder = e2e.cached("own", own_tracks.make)
        with open(folder + ".manifest.json", encoding="utf-8") as f:
            wanted = json.load(f)["tracks"]
    with e2e.Server(folder, password=password) as server:
        server.scanned(len(wanted))
        if password:
            asked = Run(program, server)
            checks.check(asked.get("authenticate") and ["1", ""] not in asked.get("connected"), "password-asked", asked.get("authenticate"))
            wrong = Run(program, server, password + "-wrong")
            checks.check(wrong.process.returncode == 3, "wrong-password-refused", wrong.get("authenticate"))
        held = Run(program, server, password, hold=True)
        if not password:
            checks.check(not held.get("authenticate"), "no-password-asked")
        connected = held.get("connected")
        checks.check(connected and connected[0][0] == "1", "connect", connected or "no answer in time")
        tracks = [dict(zip(COLUMNS, line)) for line in held.get("record")]
        if large:
            check_many(checks, tracks, wanted)
        else:
            check_tracks(checks, tracks, wanted)
            checks.equal("playlists", held.get("playlist"), [])
        check_streams(checks, held, tracks)
        held.end()
        gone = held.get("disconnected")
        checks.check(gone and gone[0][0] == "1", "logout", gone)
        server.check_end(checks)
    checks.finish()


if __name__ == "__main__":
    main()
