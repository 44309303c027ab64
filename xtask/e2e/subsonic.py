#!/usr/bin/env python3
"""`dapple serve --subsonic` with Debian's supysonic, which has 2,000 songs: clients see them as their files are, what changes
there arrives as that change alone, and what listeners do here is told there.
"""
import collections
import os
import shutil

import client
import daap
import e2e
import edit
import libdmapsharing
import live
import own_tracks
import probe
import remote
from supysonic_server import PASSWORD, USER, Supysonic

SONGS = 2_000
GENERATED = 2_200           # supysonic passes over raw AAC
SYNCED_WITHIN_S = 60
TOLD_WITHIN_S = 30
LONG_ENOUGH_S = 8           # to rate a song while it plays
NEW = dict(title="Brand new", artist="Newcomer", album="First steps", track=1, disc=1, date=2026)
META = "dmap.itemid,dmap.itemname,daap.songalbum,daap.songsize,daap.songformat,daap.songuserrating,daap.songartworkcount"


class Bridged:
    """The folder, supysonic that has it, and dapple that has supysonic."""

    def __init__(self, checks, music, tracks, supysonic):
        self.checks, self.music, self.tracks, self.supysonic = checks, music, tracks, supysonic
        self.data = os.path.join(e2e.WORK, "data")

    def path(self, name):
        return os.path.join(self.music, name)

    def run(self):
        playlists = self.make_playlists()
        address = self.supysonic.url.replace("//", "//%s@" % USER)
        secret = ["env", "DAPPLE_SUBSONIC_PASSWORD=" + PASSWORD]
        with e2e.Server(data=self.data, options=("--subsonic", address), wrap=secret) as server:
            self.checks.equal("all-songs", server.scanned(len(self.tracks), SYNCED_WITHIN_S), len(self.tracks))
            for see in (self.probed, self.playlists, self.pictures, self.bytes, self.libdmapsharing):
                with self.checks.step(see.__name__):
                    see(server, playlists)
            self.changes(server)
            self.keeps_the_secret(server)
            server.check_end(self.checks)
        rated, starred = self.tracks[10]["path"], self.tracks[20]["path"]
        self.supysonic.api("setRating", id=self.supysonic.ids()[rated], rating=4)
        self.supysonic.api("star", id=self.supysonic.ids()[starred])
        with e2e.Server(data=self.data, options=("--config", self.configuration(), "--output", "null")) as server:
            self.opinions(server, rated, starred)
            self.told(server)
            server.check_end(self.checks, "server-that-writes")

    def make_playlists(self):
        """Gives supysonic the playlists beside the songs, by its API: names and songs in order."""
        ids, playlists = self.supysonic.ids(), {}
        for entry in os.scandir(self.path("Playlists")):
            with open(entry.path, encoding="utf-8") as f:
                paths = [line.strip().removeprefix("../") for line in f if not line.startswith("#")]
            songs = [path for path in paths if path in ids]
            name = os.path.splitext(entry.name)[0]
            self.supysonic.api("createPlaylist", name=name, songId=[ids[path] for path in songs])
            playlists[name] = songs
        return playlists

    def songs(self, connected):
        """What dapple lists, by path in the folder."""
        listed = collections.defaultdict(list)
        for song in connected.items(META):
            listed[facts(song)].append(song)
        return {track["path"]: same[0] for track in self.tracks if len(same := listed[wanted(track)]) == 1}

    # ---- what clients see

    def probed(self, server, playlists):
        lists = [{"path": name, "tracks": len(songs)} for name, songs in playlists.items()]
        manifest = {"tracks": [dict(track) for track in self.tracks], "playlists": lists, "hostile": []}
        probe.Probe(self.checks, server.client(), manifest, False).run()
        self.checks.equal("ls-lists-all", len(client.listed(server.url)), len(self.tracks))

    def playlists(self, server, playlists):
        connected = server.client().open()
        paths = {song[b"miid"]: path for path, song in self.songs(connected).items()}
        self.checks.check(len(paths) > 0.95 * len(self.tracks), "songs-differ", len(paths))
        listed = {}
        for container in containers(connected):
            entries = entries_of(connected, container)
            listed[container[b"minm"]] = [paths.get(entry[b"miid"]) for entry in entries]
        good = listed.keys() == playlists.keys() and all(
            got in (None, want) for name in playlists for got, want in zip(listed[name], playlists[name], strict=True))
        self.checks.check(good, "playlists", {name: len(songs) for name, songs in listed.items()})

    def pictures(self, server, _):
        connected, got, wrong = server.client().open(), collections.Counter(), []
        songs = self.songs(connected)
        for track in self.tracks:
            song = songs.get(track["path"])
            if song is None:
                continue
            path = "/databases/%d/items/%d/extra_data/artwork" % (connected.database, song[b"miid"])
            status, _, picture = connected.get(connected.path(path))
            good = self.is_picture(track, picture) if status == 200 else not has_picture(track)
            got[status] += 1
            if not good:
                wrong.append((track["path"], status))
        self.checks.check(not wrong and got[200] > 0, "pictures", wrong[:3] or dict(got))

    def is_picture(self, track, picture):
        """Whether it is that in the file, or beside it."""
        if track["embedded_art"]:
            return picture in read(self.path(track["path"]))
        return track["cover_file"] and picture == read(self.path(os.path.join(os.path.dirname(track["path"]), "cover.jpg")))

    def bytes(self, server, _):
        to = e2e.fresh("got")
        done = client.dapple("get", server.url, "--to", to)
        self.checks.equal("get-exit-code", done.returncode, 0)
        digests = collections.Counter(client.files(to).values())
        originals = collections.Counter(client.digest(read(self.path(track["path"]))) for track in self.tracks)
        self.checks.check(digests == originals, "every-byte-of-every-song", "%d files" % sum(digests.values()))

    def libdmapsharing(self, server, playlists):
        held = libdmapsharing.Run(libdmapsharing.build(), server, hold=True)
        tracks = [dict(zip(libdmapsharing.COLUMNS, line)) for line in held.get("record")]
        libdmapsharing.check_many(self.checks, tracks, self.tracks)
        libdmapsharing.check_streams(self.checks, held, tracks)
        self.checks.equal("libdmapsharing-playlists", len(held.get("playlist")), len(playlists))
        held.end()

    # ---- what changes there

    def changes(self, server):
        waiting = live.Live(self.checks, server, self.music, SYNCED_WITHIN_S)

        def arrives(name, listed=(), gone=()):
            self.supysonic.scan()
            waiting.change(name, lambda: self.sync(server), listed, gone)
        own_tracks.tone(self.path("new.mp3"), NEW, LONG_ENOUGH_S)
        arrives("added", [NEW["title"]])
        track = next(track for track in self.tracks if track["style"] == "mp3/id3v2.4" and not track["embedded_art"])
        self.retag(track, title="Another title")
        arrives("retagged", ["Another title"])
        gone = self.tracks[-1]
        number = self.songs(waiting.client)[gone["path"]][b"miid"]
        os.remove(self.path(gone["path"]))
        arrives("removed", [], [number])

    def sync(self, server):
        done = client.dapple("sync", "--server", server.url)
        self.checks.check(done.returncode == 0, "sync", done.stdout + done.stderr)

    def retag(self, track, title):
        path = self.path(track["path"])
        own_tracks.ffmpeg("-i", path, "-c", "copy", "-metadata", "title=" + title, path + ".mp3")
        os.replace(path + ".mp3", path)
        later = os.stat(path).st_mtime + 10       # supysonic looks at whole seconds
        os.utime(path, (later, later))

    # ---- what listeners do

    def configuration(self):
        """A file of settings that names supysonic, and lets it be written to."""
        path = os.path.join(e2e.WORK, "dapple.toml")
        with open(path, "w", encoding="utf-8") as f:
            f.write('[[subsonic]]\nurl = "%s/"\nuser = "%s"\npassword = "%s"\nwrites = true\n' % (self.supysonic.url, USER, PASSWORD))
        done = client.dapple("serve", "--listen", "127.0.0.1:0", "--no-advertise", "--data", self.data, "--config", path)
        self.checks.check(done.returncode == 2 and "chmod 600" in done.stderr, "a-file-that-others-read-is-refused", done.stderr)
        os.chmod(path, 0o600)
        return path

    def opinions(self, server, rated, starred):
        """What was rated and starred there while dapple was not running."""
        connected = server.client().open()

        def rating():
            return self.songs(connected)[rated].get(b"asur")
        e2e.wait_for(lambda: rating() == 80, SYNCED_WITHIN_S)
        self.checks.equal("rated-there", rating(), 80)

        def stars():
            lists = [one for one in containers(connected) if one[b"minm"] == "Starred"]
            return [entry[b"miid"] for one in lists for entry in entries_of(connected, one)]
        self.checks.equal("starred-there", e2e.wait_for(stars, TOLD_WITHIN_S), [self.songs(connected)[starred][b"miid"]])

    def told(self, server):
        """A Remote plays a song to its end and rates it meanwhile; another client puts it among what is starred."""
        number = self.supysonic.ids()["new.mp3"]
        control = remote.Remote(self.checks, "127.0.0.1:%d" % server.port)
        control.does("plays", "play", NEW["title"])
        control.shows("plays-it", state="playing", title=NEW["title"])
        control.does("rates", "rate", "3")

        def rating():
            return self.supysonic.api("getSong", id=number)["song"].get("userRating")
        e2e.wait_for(lambda: rating() == 3, TOLD_WITHIN_S)
        self.checks.equal("rated-here", rating(), 3)

        editor = edit.Editor(self.checks, server)
        stars = editor.playlists()["Starred"][b"miid"]
        editor.edit("add", "'dmap.itemid:%d'" % editor.songs[NEW["title"]], stars)

        def star():
            return "starred" in self.supysonic.api("getSong", id=number)["song"]
        self.checks.check(e2e.wait_for(star, TOLD_WITHIN_S), "starred-here")

        def plays():
            return [one for one in self.supysonic.asked("scrobble") if one["id"] == number and one.get("submission") != "false"]
        self.checks.equal("played-here", len(e2e.wait_for(plays, LONG_ENOUGH_S + TOLD_WITHIN_S)), 1)

    def keeps_the_secret(self, server):
        spelled = (PASSWORD, PASSWORD.encode().hex())
        with open("/proc/%d/cmdline" % server.process.pid, encoding="utf-8") as f:
            said = f.read() + server.log_text() + str(server.status())
        self.checks.check(not any(word in said for word in spelled), "the-password-is-kept")


def library():
    """The songs that supysonic takes, in a folder of this test, with what it tells of each."""
    generated, manifest = e2e.generated(GENERATED)
    music = os.path.join(e2e.WORK, "music")
    shutil.copytree(generated, music)
    return music, [as_told(track) for track in manifest["tracks"] if track["format"] != "aac"]


def as_told(track):
    """What supysonic makes of a song: it has words for what is missing, and knows few tags."""
    name = os.path.basename(track["path"])
    told = {key: track[key] for key in ("path", "style", "size", "year", "genre", "embedded_art", "cover_file") if key in track}
    told.update(title=(track.get("title") or name)[:255], artist=(track.get("artist") or "[unknown]")[:255],
                album=(track.get("album") or "[non-album tracks]")[:255], track=track.get("track", 1),
                disc=track.get("disc", 1), duration_ms=track["duration_ms"] // 1000 * 1000)
    return dict(told, album_artist=(track.get("album_artist") or told["artist"])[:255])


def wanted(track):
    return track["title"], track["album"], track["size"]


def facts(song):
    return song[b"minm"], song.get(b"asal"), song.get(b"assz")


def has_picture(track):
    return track["embedded_art"] or track["cover_file"]


def containers(connected):
    """The playlists of a share."""
    listed = daap.rows(connected.tree("/databases/%d/containers" % connected.database))
    return [row for row in listed if b"abpl" not in row]


def entries_of(connected, container):
    path = "/databases/%d/containers/%d/items" % (connected.database, container[b"miid"])
    return daap.rows(connected.tree(path, meta="dmap.itemid,dmap.containeritemid"))


def read(path):
    with open(path, "rb") as f:
        return f.read()


def main():
    checks = e2e.Checks()
    music, tracks = library()
    checks.check(len(tracks) >= SONGS, "many-songs", len(tracks))
    with Supysonic(music) as supysonic:
        Bridged(checks, music, tracks, supysonic).run()
    checks.finish()


if __name__ == "__main__":
    main()
