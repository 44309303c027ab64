#!/usr/bin/env python3
"""`dapple serve --share`: another server's songs, streamed through; what was kept plays on while that is down."""
import os
import random

import e2e
import own_tracks

META = "dmap.itemid,dmap.itemname,dmap.persistentid,daap.songsize,daap.songformat,daap.songartist,daap.songuserrating"
SEEN_S = 20
PASSWORD = "ses:ame"


class Republished:
    """Two servers: `theirs`, of a folder, on a port that stays, and `ours`, which republishes it."""

    def __init__(self, checks):
        self.checks, self.port = checks, e2e.free_port()
        self.folder = e2e.cached("own-tracks", own_tracks.make)
        self.url = "daap://127.0.0.1:%d/" % self.port
        self.password_file = os.path.join(e2e.WORK, "password.txt")
        os.makedirs(e2e.WORK, exist_ok=True)
        with open(self.password_file, "w", encoding="utf-8") as f:
            f.write(PASSWORD + "\n")

    def theirs(self):
        return e2e.Server(self.folder, data=os.path.join(e2e.WORK, "theirs"), password=PASSWORD,
                          options=("--listen", "127.0.0.1:%d" % self.port))

    def ours(self):
        return e2e.Server(data=os.path.join(e2e.WORK, "ours"),
                          options=("--share", self.url, "--share-password-file", self.password_file))

    def run(self):
        with self.ours() as ours:
            self.not_there(ours)
            with self.theirs() as theirs:
                theirs.scanned(len(own_tracks.TRACKS))
                self.listed(theirs, ours)
                with self.checks.step("streams"):
                    self.streams(ours)
                with self.checks.step("pictures"):
                    self.pictures(theirs, ours)
                theirs.kill()
            self.down(ours, "down")
            ours.check_end(self.checks, "ours")
        with self.ours() as ours:
            self.down(ours, "down-after-a-restart")
            with self.theirs():
                self.heals(ours)
            ours.check_end(self.checks, "ours-again")

    def not_there(self, ours):
        """A share that cannot be reached at the start is no error."""
        told = e2e.wait_for(lambda: ours.status()["scan"].get("problems"), SEEN_S)
        self.checks.check(told and self.url in told[0], "unreachable-is-told", told)

    def listed(self, theirs, ours):
        count = len(own_tracks.TRACKS)
        e2e.wait_for(lambda: ours.songs() == count, SEEN_S)
        databases = ours.status()["databases"]
        self.checks.equal("one-database-named-as-the-share", [database["name"] for database in databases], ["Test share"])
        fields = ("minm", "asar", "assz", "asfm")

        def facts(server, **options):
            songs = server.client(**options).open().items(META)
            return sorted(tuple(song.get(field.encode()) for field in fields) for song in songs)
        self.checks.equal("songs-are-theirs", facts(ours), facts(theirs, password=PASSWORD))
        healed = e2e.wait_for(lambda: ours.status()["scan"]["state"] == "idle", SEEN_S)
        self.checks.check(healed, "healed", ours.status()["scan"])

    def songs(self, ours):
        """(client, its songs by title, the bytes of each file by title)."""
        client = ours.client().open()
        files = {}
        for name, title, *_ in own_tracks.TRACKS:
            with open(os.path.join(self.folder, name), "rb") as f:
                files[title] = f.read()
        return client, {song[b"minm"]: song for song in client.items(META)}, files

    def streams(self, ours):
        client, songs, files = self.songs(ours)
        chance = random.Random(1)
        good, last = 0, own_tracks.TRACKS[-1][1]
        for title, song in songs.items():
            if title == last:
                # Nobody listens to that one.
                continue
            whole, path = files[title], client.song_path(song)
            for _ in range(5):
                start = chance.randrange(1, len(whole))
                end = min(len(whole), start + chance.randrange(1, 100_000))
                status, headers, part = client.get(path, {"Range": "bytes=%d-%d" % (start, end - 1)})
                good += status == 206 and part == whole[start:end] and headers["content-range"].endswith("/%d" % len(whole))
            status, headers, body = client.get(path)
            self.checks.check(status == 200 and body == whole and int(headers["content-length"]) == len(whole),
                              "whole", "%s, %d bytes" % (title, len(body)))
        self.checks.equal("parts", good, 5 * (len(songs) - 1))
        kept = os.path.join(e2e.WORK, "ours", "songs")
        whole = e2e.wait_for(lambda: files_in(kept) == len(songs) - 1, 5)
        self.checks.check(whole, "whole-songs-are-kept", files_in(kept))

    def pictures(self, theirs, ours):
        def pictures(server, **options):
            client = server.client(**options).open()
            bodies = []
            for song in client.items(META):
                path = "/databases/%d/items/%d/extra_data/artwork" % (client.database, song[b"miid"])
                status, headers, body = client.get(client.path(path, mw=100, mh=100))
                bodies.append((song[b"minm"], status, headers.get("content-type"), body))
            return sorted(bodies, key=lambda one: one[0])
        got = pictures(ours)
        self.checks.check(got == pictures(theirs, password=PASSWORD), "pictures-are-theirs", len(got))
        self.checks.check(any(status == 200 for _, status, _, _ in got), "there-are-pictures")

    def down(self, ours, name):
        told = e2e.wait_for(lambda: ours.status()["scan"].get("problems"), SEEN_S)
        self.checks.check(told, name + "-is-told", told)
        client, songs, files = self.songs(ours)
        self.checks.equal(name + "-songs-stay-listed", len(songs), len(files))
        last = own_tracks.TRACKS[-1][1]
        answers = {title: client.get(client.song_path(song)) for title, song in songs.items()}
        kept = [title for title, (status, _, body) in answers.items() if status == 200 and body == files[title]]
        self.checks.equal(name + "-kept-songs-play", sorted(kept), sorted(title for title in files if title != last))
        self.checks.equal(name + "-the-other-is-503", answers[last][0], 503)
        said = e2e.run(e2e.SERVER, "status", "--server", ours.url).stdout
        self.checks.check(self.url in said, name + "-status-says-so", said.strip().splitlines()[-2:])

    def heals(self, ours):
        last = own_tracks.TRACKS[-1][1]

        def plays():
            client, songs, files = self.songs(ours)
            status, _, body = client.get(client.song_path(songs[last]))
            return status == 200 and body == files[last]
        self.checks.check(e2e.wait_for(plays, SEEN_S + 10), "heals")


def files_in(folder):
    return sum(not name.endswith(".part") for _, _, names in os.walk(folder) for name in names)


def oneself(checks):
    """A server that is told to republish itself refuses, and says so."""
    port = e2e.free_port()
    url = "daap://127.0.0.1:%d/" % port
    with e2e.Server(e2e.cached("own-tracks", own_tracks.make), data=os.path.join(e2e.WORK, "oneself"),
                    options=("--listen", "127.0.0.1:%d" % port, "--share", url)) as server:
        def told():
            return any("own songs" in problem for problem in server.status()["scan"].get("problems", ()))
        checks.check(e2e.wait_for(told, SEEN_S), "oneself-is-noticed", server.status()["scan"])
        e2e.wait_for(lambda: server.songs() == len(own_tracks.TRACKS), SEEN_S)
        checks.equal("oneself-is-not-republished", server.songs(), len(own_tracks.TRACKS))
        server.check_end(checks, "oneself")


def main():
    checks = e2e.Checks()
    Republished(checks).run()
    with checks.step("oneself"):
        oneself(checks)
    checks.finish()


main()
