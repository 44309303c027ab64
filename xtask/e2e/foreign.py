#!/usr/bin/env python3
"""The client against a server that others wrote: everything that was put in is listed, found, and fetched byte for byte.

    foreign.py libdmapsharing | flask-daapserver | spydaap | canary

Each server has ways of its own to leave something out or to say it otherwise. They are named in `DIFFERENCES`: all else has to
agree.
"""
import collections
import json
import os
import shutil
import signal
import subprocess
import sys

import client
import e2e
import foreign_servers as servers
import foreign_songs

PASSWORD = "päss wörd&?"
TEXTS = ["title", "artist", "albumartist", "album", "genre", "format"]
NUMBERS = ["track", "disc", "year", "time", "size"]
FIELDS = TEXTS + NUMBERS
NEWS_S = 5          # a change is told within
SLOW_NEWS_S = 70    # where news come but twice a minute
STILL_S = 5         # so long a server that has no news is watched
POLLS = 12          # and asked for news at most so often


def edit(checks, server, watch, song):
    """flask-daapserver loses a song and gets it back, and says so at once."""
    number = int(song["file"].split(".")[0])
    for sign, event in (("-", "removed"), ("+", "added")):
        server.process.stdin.write(b"%s%d\n" % (sign.encode(), number))
        server.process.stdin.flush()
        told = e2e.wait_for(lambda: watch.heard(event=event, what="song", title=song["title"]), NEWS_S)
        checks.check(told and watch.heard(event="changed", playlist="Every second"), "watch-" + event, watch.events)


def rescan(checks, server, watch, song):
    """canary looks for new files when it is told to, and answers who waits for news each half minute."""
    shutil.copy(song["path"], os.path.join(e2e.WORK, servers.CANARY_SONGS, "new." + song["format"]))
    server.process.send_signal(signal.SIGUSR2)
    told = e2e.wait_for(lambda: watch.heard(event="added", what="song", title=song["title"]), SLOW_NEWS_S)
    songs = [event for event in watch.events if event["what"] == "song"]
    checks.check(told and len(songs) == 1, "watch-added", watch.events)


class Peer:
    """A server: how it is started, which formats it takes, what is in the playlist that it has beside the one of all songs, and
    what it can do."""

    def __init__(self, serve, playlist, formats=tuple(foreign_songs.FORMATS), password=False, resumes=False, counts=True, change=None):
        self.serve, self.playlist, self.formats, self.password, self.change = serve, playlist, formats, password, change
        # Its songs have ids for ever, and it knows how many there are.
        self.resumes, self.counts = resumes, counts


EVERY_SECOND = ("Every second", lambda number, song: number % 2 == 1)
PEERS = {
    "libdmapsharing": Peer(servers.serve_libdmapsharing, EVERY_SECOND, password=True, resumes=True),
    "flask-daapserver": Peer(servers.serve_flask_daapserver, EVERY_SECOND, password=True, change=edit),
    "spydaap": Peer(servers.serve_spydaap, (".flac", lambda _, song: song["format"] == "flac"), ("mp3", "ogg", "flac")),
    # It says that its database has one song.
    "canary": Peer(servers.serve_canary, ("Recently Added", lambda *_: True), ("mp3", "ogg"), password=True, resumes=True, counts=False,
                   change=rescan),
}

# What a server says of a song instead of what was put in: server, field, what it says, why.
DIFFERENCES = [
    ("libdmapsharing", "albumartist", lambda song: "", "its records have no album artist"),
    ("libdmapsharing", "time", lambda song: song["time"] // 1000 * 1000, "its durations are whole seconds"),
    ("flask-daapserver", "genre", lambda song: "", "it keeps a genre and does not send it"),
    ("flask-daapserver", "disc", lambda song: 0, "its items have no disc"),
    ("spydaap", "title", lambda song: song["title"] or song["file"], "a file without a title goes by its name"),
    ("spydaap", "albumartist", lambda song: "" if song["format"] == "mp3" else song["albumartist"], "in ID3 it reads the conductor"),
    ("canary", "title", lambda song: song["title"] or song["file"], "a file without a title goes by its name"),
    ("canary", "artist", lambda song: song["albumartist"] or song["artist"] or "(Unknown Artist)", "it prefers the album artist"),
    ("canary", "albumartist", lambda song: "", "it is not sent"),
    ("canary", "album", lambda song: song["album"] or "(Unknown Album)", "it makes up a name"),
    ("canary", "genre", lambda song: song["genre"] or "(Unknown Genre)", "it makes up a name"),
    ("canary", "disc", lambda song: 0, "it is not sent"),
    ("canary", "size", lambda song: 0, "it is not sent"),
]


def as_told(name, song):
    """The song as this server tells of it."""
    return dict(song, **{field: says(song) for server, field, says, _ in DIFFERENCES if server == name})


def row(song):
    """A song as a tuple of `FIELDS`. Lengths are told apart by tenths of a second: each reads them in its own way."""
    texts = [song.get(field) or "" for field in TEXTS]
    numbers = [song.get(field) or 0 for field in NUMBERS]
    return tuple(texts + [round(value, -2) if field == "time" else value for field, value in zip(NUMBERS, numbers)])


def rows(songs):
    return collections.Counter(row(song) for song in songs)


class Test:
    def __init__(self, checks, name, songs):
        self.checks, self.name, self.peer = checks, name, PEERS[name]
        self.songs = [song for song in songs if song["format"] in self.peer.formats]
        self.told = [as_told(name, song) for song in self.songs]

    def same(self, what, got, want):
        """Two lists of songs, whatever their order."""
        got, want = rows(got), rows(want)
        missing, more = list((want - got).elements()), list((got - want).elements())
        self.checks.check(got == want, what, "%d songs" % got.total() if got == want else
                          "%d missing, as %s; %d too many, as %s" % (len(missing), e2e.short(missing[:1]), len(more), e2e.short(more[:1])))

    def songs_of(self, url, *options):
        return client.listed(url, "--fields", ",".join(FIELDS), *options)

    # ---- what is listed

    def list_everything(self, url):
        e2e.wait_for(lambda: len(client.listed(url, "--fields", "item")) >= len(self.songs), 30)
        self.same("all-songs", self.songs_of(url), self.told)
        whole = client.listed(url, "--fields", "all")
        self.checks.equal("all-fields", [len(whole), all(len(song) >= 6 for song in whole)], [len(self.songs), True])
        databases = client.listed(url, "--databases")
        count = len(self.songs) if self.peer.counts else databases[0]["songs"]
        self.checks.equal("databases", [(one["database"], one["songs"]) for one in databases], [(servers.NAME, count)])

    def list_playlists(self, url):
        name, holds = self.peer.playlist
        meant = [song for number, song in enumerate(self.told) if holds(number, song)]
        playlists = {one["playlist"]: one["songs"] for one in client.listed(url, "--playlists")}
        self.checks.check(name in playlists, "playlists", playlists)
        got = self.songs_of(url + "/playlists/" + client.quoted(name))
        self.same("playlist", got, meant)

    def list_names(self, url):
        """Artists, albums and genres, and the songs of each."""
        under = {song["file"]: song["albumartist"] or song["artist"] for song in self.told}
        for option, member, of in (("--artists", "artist", lambda song: under[song["file"]]),
                                   ("--genres", "genre", lambda song: song["genre"])):
            counts = collections.Counter(of(song) for song in self.told if of(song) or option == "--artists")
            self.checks.equal(option, {one[member]: one["songs"] for one in client.listed(url, option)}, dict(counts))
        counts = collections.Counter((under[song["file"]], song["album"]) for song in self.told if song["album"])
        albums = {(one["artist"], one["album"]): one["songs"] for one in client.listed(url, "--albums")}
        self.checks.equal("--albums", albums, dict(counts))

    def find(self, url):
        """Every name finds its songs, however odd; and a search those with its words."""
        for option, field in (("--album", "album"), ("--genre", "genre")):
            for name in sorted({song[field] for song in self.told} - {""}):
                with self.checks.step("%s %r" % (option, name)):
                    self.same("%s %s" % (option, e2e.short(name, 40)), self.songs_of(url, option + "=" + name),
                              [song for song in self.told if song[field] == name])
        for name in sorted({song["artist"] for song in self.told} - {""}):
            with self.checks.step("--artist %r" % name):
                self.same("--artist %s" % e2e.short(name, 40), self.songs_of(url, "--artist=" + name),
                          [song for song in self.told if name in (song["artist"], song["albumartist"])])
        for text in ("songs 3", "NAÏVE", "'", "*star*", "東京", "\\", "twice same", "nothing has this"):
            words = text.lower().split()
            within = [" ".join(song[key].lower() for key in ("title", "artist", "albumartist", "album")) for song in self.told]
            meant = [song for song, all_of_it in zip(self.told, within) if all(word in all_of_it for word in words)]
            with self.checks.step("search %r" % text):
                self.same("--search %s" % text, self.songs_of(url, "--search=" + text), meant)

    def sort(self, url):
        years = [song["year"] or 0 for song in self.songs_of(url, "--sort", "-year,title")]
        self.checks.equal("--sort", years, sorted(years, reverse=True))

    # ---- what is fetched

    def fetch_with_curl(self, url):
        """The addresses of the playlist are the songs'."""
        done = client.dapple("ls", url, "--m3u")
        digests = collections.Counter()
        for _, _, address in client.addresses(done.stdout):
            got = subprocess.run(["curl", "-sS", "--fail", "--max-time", "20", address], stdout=subprocess.PIPE, check=True).stdout
            digests[client.digest(got)] += 1
        self.checks.equal("--m3u", digests, self.digests())

    def digests(self):
        counts = collections.Counter()
        for song in self.songs:
            with open(song["path"], "rb") as f:
                counts[client.digest(f.read())] += 1
        return counts

    def fetch(self, url, *options):
        """Everything as files, byte for byte; a second time there is nothing left to do."""
        folder = e2e.fresh("got")
        for time, fetched in (("", len(self.songs)), ("-again", 0)):
            told = self.got(url, folder, *options)
            self.checks.equal("get" + time, [told[key] for key in ("songs", "fetched", "failed", "differing")],
                              [len(self.songs), fetched, [], []])
            there = client.files(folder)
            self.checks.equal("get%s-files" % time, collections.Counter(there.values()), self.digests())
            self.checks.check(not any(path.endswith(".part") for path in there), "get%s-no-parts" % time)

    def got(self, url, folder, *options):
        done = client.dapple("get", url, "--to", folder, "--retries", "1", "--json", *options)
        if done.returncode:
            raise RuntimeError("get: exit code %d: %s" % (done.returncode, done.stderr[-300:]))
        return json.loads(done.stdout)

    def fetch_the_rest(self, url):
        """What an earlier call has left is gone on with."""
        song = next(song for song in client.listed(url, "--fields", "id,title,size,modified") if song["title"] == "Morning Songs 1")
        template = ["--name", "{title}.{ext}", "--search", "morning songs 1"]
        folder = e2e.fresh("rest")
        self.got(url, folder, *template)
        whole = os.path.join(folder, "Morning Songs 1.mp3")
        with open(whole, "rb") as f:
            content = f.read()
        half = len(content) // 2
        os.remove(whole)
        # A song that changes is another: its part has its date in its name.
        with open("%s.%s-%x-0.part" % (whole, song["id"], song["size"] or 0), "wb") as f:
            f.write(content[:half])
        told = self.got(url, folder, *template)
        self.checks.equal("get-the-rest", told["bytes"], len(content) - half)
        self.checks.equal("get-the-rest-files", client.files(folder), {"Morning Songs 1.mp3": client.digest(content)})

    # ---- what changes

    def watch(self, server):
        """A song that goes and one that comes are told, where the server tells of them; and it is not asked all the time."""
        with client.Watch(server.url) as watch:
            e2e.wait_for(lambda: watch.told, 30)
            begins = "watching %s: %d songs" % (servers.NAME, len(self.songs))
            self.checks.check(watch.told and watch.told[0].startswith(begins), "watch", watch.told)
            if self.peer.change:
                self.peer.change(self.checks, server, watch, self.songs[5])
            else:
                self.checks.check(not e2e.wait_for(lambda: watch.events, STILL_S), "watch-nothing", watch.events)
            asked = server.log_text().count("GET /update")
            self.checks.check(asked <= POLLS, "watch-is-patient", "%d requests" % asked)
            self.checks.equal("watch-ends", watch.interrupt(), 0)

    def ask_for_password(self):
        with self.peer.serve(self.songs, PASSWORD) as server:
            for name, given, says in (("password-wanted", [], "--password-file"),
                                      ("password-wrong", ["--password", PASSWORD + "x"], "not the right one")):
                done = client.dapple("ls", server.url, *given)
                self.checks.check(done.returncode == 2 and says in done.stderr, name, (done.returncode, done.stderr))
            given = ["--password", PASSWORD]
            e2e.wait_for(lambda: len(client.listed(server.url, "--fields", "item", *given)) >= len(self.songs), 30)
            self.same("password-songs", self.songs_of(server.url, *given), self.told)
            self.fetch(server.url, *given)


def main():
    checks = e2e.Checks()
    name = sys.argv[1]
    folder = e2e.cached("foreign-songs", foreign_songs.make)
    with open(folder + ".manifest.json", encoding="utf-8") as f:
        test = Test(checks, name, json.load(f))
    parts = [test.list_everything, test.list_playlists, test.list_names, test.find, test.sort, test.fetch_with_curl, test.fetch]
    parts += [test.fetch_the_rest] if test.peer.resumes else []
    with test.peer.serve(test.songs) as server:
        for part in parts:
            with checks.step(part.__name__):
                part(server.url)
        with checks.step("watch"):
            test.watch(server)
    if test.peer.password:
        with checks.step("password"):
            test.ask_for_password()
    checks.finish()


main()
