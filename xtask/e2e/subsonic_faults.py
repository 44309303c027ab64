#!/usr/bin/env python3
"""`dapple serve --subsonic` with a server that dies, lies and fails, and with a full disk: the library stays served, a song is
exact or breaks off, `dapple status` says what to do, and all heals.
"""
import http.client
import os
import random
import threading
import time

import bad_server
import client
import e2e
import tcp
from bad_subsonic import Subsonic, asked_song, method

TITLES = ["Song %d" % number for number in range(12)]
SIZE = 400_000
PIECE = 20_000
HEALED_WITHIN_S = 30
READERS, SEEKS = 16, 20
CUT_FOR_S = 1
BROKEN = (http.client.IncompleteRead, ConnectionError, TimeoutError)


class Followed:
    """A Subsonic server, the line to it, and dapple that follows it."""

    def __init__(self, checks, theirs):
        self.checks, self.theirs = checks, theirs
        self.line = tcp.Line(theirs.address)
        self.data = os.path.join(e2e.WORK, "data")

    def serve(self, data=None, wrap=()):
        return serve(self.line.url(), data or self.data, wrap=wrap)

    def run(self):
        with self.serve() as server:
            self.checks.equal("all-songs", server.scanned(len(TITLES)), len(TITLES))
            for name, answer, advice in ANSWERS:
                with self.checks.step(name):
                    self.answers(server, name, answer, advice)
            for act in (self.dies_in_mid_sync, self.dies_in_mid_song, self.wrong_lengths, self.readers, self.killed):
                with self.checks.step(act.__name__):
                    act(server)
        with self.serve() as server, self.checks.step("after-kill"):
            self.after_kill(server)
            server.check_end(self.checks)
        with self.checks.step("full-disk"):
            self.full_disk()

    # ---- what they are asked for

    def changes(self, title):
        """The first song has another title there, and the server has seen it."""
        self.theirs.titles[0] = title
        self.theirs.scans += 1

    def heals(self, server, name, title):
        """All is as it should be in time."""
        def healed():
            return title in titles(server) and server.status()["scan"]["state"] == "idle"
        self.checks.check(e2e.wait_for(healed, HEALED_WITHIN_S, every=0.2), name + "-heals", server.status()["scan"])

    def answers(self, server, name, answer, advice):
        """Whatever is asked, there is this answer."""
        before = titles(server)
        self.theirs.spoil = lambda *_: answer
        self.changes("After " + name)
        self.checks.check(sync(server).returncode != 0, name + "-fails-the-sync")
        text = said(server)
        self.checks.check(advice in text and "127.0.0.1" in text, name + "-says-what-to-do", text)
        self.checks.equal(name + "-keeps-all-songs", titles(server), before)
        self.theirs.spoil = None
        sync(server)
        self.heals(server, name, "After " + name)

    def dies_in_mid_sync(self, server):
        before = titles(server)
        self.changes("After its death")
        asked = len(self.theirs.asked)

        def dying(_, request):
            if method(request) != "search3":
                return None
            self.theirs.spoil = None
            threading.Thread(target=self.line.cut, args=(CUT_FOR_S,)).start()
            return bad_server.Answer(parts=[b'{"subsonic-response"', None], length=1000)
        self.theirs.spoil = dying
        sync(server)
        self.checks.check(len(self.theirs.asked) > asked and self.theirs.spoil is None, "dies-in-mid-sync")
        self.checks.check(len(titles(server)) == len(before), "dead-in-mid-sync-all-stay")
        self.heals(server, "dead-in-mid-sync", "After its death")

    # ---- songs

    def fetch(self, server, number, **headers):
        """The bytes of a song; None if they break off or are refused."""
        connected = server.client(timeout=20).open()
        song = next(song for song in connected.items() if song[b"minm"] == self.theirs.titles[number])
        try:
            status, _, body = connected.get(connected.song_path(song), headers)
        except BROKEN:
            return None
        return body if status in (200, 206) else None

    def exact(self, server, number, name):
        got = e2e.wait_for(lambda: self.fetch(server, number), HEALED_WITHIN_S, every=0.5)
        self.checks.check(got == self.theirs.songs[number], name, "%d bytes" % len(got or b""))

    def dies_in_mid_song(self, server):
        def dying(_, request):
            if method(request) != "stream":
                return None
            self.theirs.spoil = None
            song = self.theirs.songs[asked_song(request)]

            def parts():
                yield song[:SIZE // 2]
                self.line.cut(CUT_FOR_S)
            return bad_server.Answer(headers=SOUND, parts=parts(), length=len(song))
        self.theirs.spoil = dying
        got = self.fetch(server, 1)
        self.checks.check(self.theirs.spoil is None, "dies-in-mid-song")
        self.checks.check(got in (None, self.theirs.songs[1]), "dead-in-mid-song-is-exact-or-breaks-off", got and len(got))
        self.exact(server, 1, "dead-in-mid-song-heals")

    def wrong_lengths(self, server):
        cases = [("shorter-than-listed", lambda song: ([song[:SIZE // 2]], SIZE // 2)),
                 ("longer-than-listed", lambda song: ([song, b"more"], SIZE + 4)),
                 ("shorter-than-said", lambda song: ([song[:SIZE // 2]], SIZE)),
                 ("nothing", lambda _: ([], 0))]
        for number, (name, spoiled) in enumerate(cases, 2):
            parts, length = spoiled(self.theirs.songs[number])
            answer = bad_server.Answer(headers=SOUND, parts=parts, length=length)
            self.theirs.spoil = lambda _, request: answer if method(request) == "stream" else None
            got = self.fetch(server, number)
            honest = got is None or got == self.theirs.songs[number] or len(got) == length and got == b"".join(parts)
            self.checks.check(honest, name + "-is-never-passed-off-as-whole", got and len(got))
            # Its file is replaced.
            self.theirs.songs[number] = bad_server.content(100 + number, SIZE + number)
            self.theirs.spoil = None
            self.theirs.scans += 1
            self.checks.equal(name + "-sync", sync(server).returncode, 0)
            self.exact(server, number, name + "-heals")

    def readers(self, server):
        """Many seek in one song while it arrives."""
        number = 8
        song, arrived = self.theirs.songs[number], threading.Event()

        def slow(_, request):
            return trickle(song, arrived) if method(request) == "stream" and request.range() is None else None
        self.theirs.spoil = slow
        wrong, early = [], []

        def seek(seed):
            chance, connected = random.Random(seed), server.client(timeout=60).open()
            path = connected.song_path(next(one for one in connected.items() if one[b"minm"] == TITLES[number]))
            for _ in range(SEEKS):
                start = chance.randrange(len(song))
                end = min(len(song), start + chance.randrange(1, 50_000))
                early.append(not arrived.is_set())
                status, _, part = connected.get(path, {"Range": "bytes=%d-%d" % (start, end - 1)})
                if status != 206 or part != song[start:end]:
                    wrong.append((start, end, status, len(part)))
        threads = [threading.Thread(target=seek, args=(seed,)) for seed in range(READERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        self.theirs.spoil = None
        self.checks.check(not wrong and len(early) == READERS * SEEKS, "readers-get-exact-bytes", wrong[:3] or len(early))
        self.checks.check(any(early), "readers-seek-while-it-arrives", sum(early))
        self.checks.equal("readers-share-one-download", self.theirs.streamed(number), 1)

    def killed(self, server):
        """kill -9 while a song arrives."""
        begun = threading.Event()

        def stuck(_, request):
            if method(request) != "stream":
                return None

            def parts():
                yield self.theirs.songs[9][:SIZE // 2]
                begun.set()
                yield None
            return bad_server.Answer(headers=SOUND, parts=parts(), length=SIZE)
        self.theirs.spoil = stuck
        reader = threading.Thread(target=self.fetch, args=(server, 9), daemon=True)
        reader.start()
        self.checks.check(begun.wait(20), "a-song-arrives")
        server.kill()
        reader.join(20)
        self.theirs.spoil = None

    def after_kill(self, server):
        self.checks.equal("after-kill-all-songs", server.songs(), len(TITLES))
        self.exact(server, 9, "after-kill-the-song-is-exact")
        before = self.theirs.streamed(9)
        self.exact(server, 9, "after-kill-it-is-exact-again")
        self.checks.equal("after-kill-it-is-kept", self.theirs.streamed(9), before)

    def full_disk(self):
        """The cache is in a small file system of its own."""
        data = os.path.join(e2e.WORK, "small")
        songs = os.path.join(data, "songs")
        os.makedirs(songs)
        script = 'mount -t tmpfs -o size=1m none "$0" && exec "$@"'
        with self.serve(data, wrap=("unshare", "--mount", "--map-root-user", "sh", "-c", script, songs)) as server:
            server.scanned(len(TITLES))
            for number in range(6):
                self.exact(server, number, "full-disk-exact-%d" % number)
            full = [line for line in server.log_text().splitlines() if "No space left" in line]
            self.checks.check(len(full) == 1 and songs in full[0], "full-disk-is-said-once", full)
            text = said(server)
            self.checks.check(songs in text and "make room" in text, "full-disk-says-what-to-do", text)
            server.check_end(self.checks, "server-with-a-full-disk")


SOUND = {"Content-Type": "audio/mpeg", "Accept-Ranges": "bytes"}
# Whatever is asked, this is the answer, and this is a part of the advice.
ANSWERS = [
    ("web-page", bad_server.whole(b"<html>Please log in</html>", Content_Type="text/html"), "web page"),
    ("status-500", bad_server.status(500), "500"),
    ("nonsense", bad_server.whole(b'{"subsonic-response": [', Content_Type="application/json"), "nonsense"),
    ("wrong-length", bad_server.Answer(headers={"Content-Type": "application/json"}, parts=[b"{"], length=5000), "reached"),
]


def trickle(song, arrived):
    """A song in pieces, one after the other."""
    def parts():
        for start in range(0, len(song), PIECE):
            yield song[start:start + PIECE]
            time.sleep(0.05)
        arrived.set()
    return bad_server.Answer(headers=SOUND, parts=parts(), length=len(song))


def serve(url, data, options=(), wrap=()):
    secret = ("env", "DAPPLE_SUBSONIC_PASSWORD=sesame")
    return e2e.Server(data=data, options=("--subsonic", url.replace("//", "//joe@"), *options), wrap=(*secret, *wrap))


def titles(server):
    return sorted(song[b"minm"] for song in server.client().open().items())


def sync(server):
    return client.dapple("sync", "--server", server.url)


def said(server):
    return client.dapple("status", "--server", server.url).stdout


def not_trusted(checks):
    """A certificate that the server made for itself."""
    folder = e2e.fresh("certificate")
    path = os.path.join(folder, "cert.pem")
    made = e2e.run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=music",
                   "-keyout", os.path.join(folder, "key.pem"), "-out", path)
    checks.equal("openssl", made.returncode, 0)
    data = os.path.join(e2e.WORK, "tls")
    with Subsonic(titles=TITLES, certified=folder) as theirs:
        url = "https://127.0.0.1:%d/" % theirs.address[1]
        with serve(url, data) as server:
            told = e2e.wait_for(lambda: "certificate" in said(server), 20)
            checks.check(told, "not-trusted-says-what-to-do", said(server))
            checks.equal("not-trusted-is-not-followed", server.songs(), 0)
        config = os.path.join(e2e.WORK, "tls.toml")
        with open(config, "w", encoding="utf-8") as f:
            f.write('[[subsonic]]\nurl = "%s"\nuser = "joe"\ncertificate = "%s"\n' % (url, path))
        secret = ("env", "DAPPLE_SUBSONIC_PASSWORD=sesame")
        with e2e.Server(data=data, options=("--config", config), wrap=secret) as server:
            checks.equal("trusted-by-the-file", server.scanned(len(TITLES), 20), len(TITLES))


def main():
    checks = e2e.Checks()
    with Subsonic(titles=TITLES, size=SIZE) as theirs:
        Followed(checks, theirs).run()
    with checks.step("not-trusted"):
        not_trusted(checks)
    checks.finish()


if __name__ == "__main__":
    main()
