#!/usr/bin/env python3
"""`dapple ls` against dapple: every form of URL, every filter and every kind of list, by what was written into the files."""
import collections
import os
import random

import client
import e2e

SONGS = 1000
TRIED = 12          # names of each kind, chosen at random
DURATION_MS = 50
# of the manifest, of `ls`
WORDS = [("title", "title"), ("artist", "artist"), ("album_artist", "albumartist"), ("album", "album"), ("genre", "genre"),
         ("composer", "composer"), ("comment", "comment"), ("grouping", "grouping"), ("track", "track"), ("tracks", "tracks"),
         ("disc", "disc"), ("discs", "discs"), ("year", "year"), ("bpm", "bpm"), ("compilation", "compilation"),
         ("sample_rate", "samplerate"), ("size", "size"), ("sort_artist", "daap.sortartist")]
FIELDS = ["id", "time", "format"] + [word for _, word in WORDS]


class Test:
    def __init__(self, checks, server, manifest):
        self.checks, self.server, self.manifest = checks, server, manifest
        self.authority = "%s:%d" % (server.host, server.port)
        self.url = "daap://" + self.authority
        self.random = random.Random(5)
        self.songs = self.ls()

    def ls(self, path="", *options):
        return client.listed(self.url + path, "--fields", ",".join(FIELDS), *options)

    def finds(self, name, got, meant):
        """Just the songs that hold, by their ids."""
        got, meant = sorted(song["id"] for song in got), sorted(song["id"] for song in self.songs if meant(song))
        self.checks.check(got == meant and got, name, "%d songs, expected %d" % (len(got), len(meant)))

    def some(self, word):
        """Some of the values that songs have."""
        values = sorted({song[word] for song in self.songs} - {None, ""})
        return self.random.sample(values, min(TRIED, len(values)))

    def run(self):
        for part in (self.tags, self.addresses, self.in_urls, self.filters, self.queries, self.names, self.playlists, self.order,
                     self.forms, self.nothing, self.refused):
            with self.checks.step(part.__name__):
                part()

    def tags(self):
        """Every song with every tag as it was written."""
        by_size = collections.defaultdict(list)
        for song in self.songs:
            by_size[song["size"]].append(song)
        wrong = []
        for track in self.manifest["tracks"]:
            told = {word: track[key] for key, word in WORDS if key in track and (key != "title" or track[key])}
            differences = [{word: (song[word], value) for word, value in told.items() if (song[word] or type(value)()) != value}
                           for song in by_size[track["size"]] if abs(song["time"] - track["duration_ms"]) <= DURATION_MS]
            if {} not in differences:
                wrong.append((track["path"], differences[:2]))
        self.checks.check(len(self.songs) == SONGS and not wrong, "every-tag",
                          "%d songs, %d wrong, as %s" % (len(self.songs), len(wrong), wrong[:2]))

    def addresses(self):
        """However the server is named."""
        for address in (self.authority, "daap://" + self.authority, "daap://" + self.authority + "/", "http://" + self.authority,
                        "http://" + self.authority + "/", "localhost:%d" % self.server.port):
            self.checks.equal("address " + address, len(client.listed(address, "--fields", "id")), SONGS)

    def in_urls(self):
        for name in self.some("artist"):
            self.finds("/artists/" + name, self.ls("/artists/" + client.quoted(name)), lambda song: name in (song["artist"], under(song)))
        for song in self.random.sample([song for song in self.songs if song["album"] and under(song)], TRIED):
            path = "/albums/%s/%s" % (client.quoted(under(song)), client.quoted(song["album"]))
            self.finds("/albums/%s/%s" % (under(song), song["album"]), self.ls(path),
                       lambda one: one["album"] == song["album"] and under(song) in (one["artist"], under(one)))
        for song in self.random.sample(self.songs, 3):
            self.finds("/songs/" + song["id"], self.ls("/songs/" + song["id"]), lambda one: one["id"] == song["id"])
        self.finds("/search", self.ls("/search/oR"), holds("or"))

    def filters(self):
        for option, word in (("--album", "album"), ("--genre", "genre")):
            for name in self.some(word):
                self.finds("%s %s" % (option, name), self.ls("", option, name), lambda song: song[word] == name)
        artist = max(collections.Counter(song["artist"] for song in self.songs if song["artist"]).items(), key=lambda pair: pair[1])[0]
        of_artist = [song for song in self.songs if artist in (song["artist"], under(song)) and song["album"]]
        album = of_artist[0]["album"]
        self.finds("--artist --album", self.ls("", "--artist", artist, "--album", album),
                   lambda song: artist in (song["artist"], under(song)) and song["album"] == album)
        self.finds("/artists --album", self.ls("/artists/" + client.quoted(artist), "--album", album),
                   lambda song: artist in (song["artist"], under(song)) and song["album"] == album)
        self.finds("--artist in capitals", self.ls("", "--artist", artist.upper()), lambda song: artist in (song["artist"], under(song)))
        for text in ("an", "a e o", "THE", "ü"):
            self.finds("--search " + text, self.ls("", "--search", text), holds(*text.lower().split()))

    def queries(self):
        year = self.some("year")[0]
        self.finds("--query year", self.ls("", "--query", "daap.songyear:%d" % year), lambda song: song["year"] == year)
        self.finds("--query text", self.ls("", "--query", "'dmap.itemname:*an*'"), lambda song: "an" in song["title"].lower())
        genre, year = next((song["genre"], song["year"]) for song in self.songs if song["genre"] and song["year"])
        both = "('daap.songgenre:%s'+'daap.songyear:%d')" % (genre, year)
        self.finds("--query and", self.ls("", "--query", both), lambda song: song["genre"] == genre and song["year"] == year)
        self.finds("--query not", self.ls("", "--query", "'daap.songgenre!:%s'" % genre), lambda song: song["genre"] != genre)

    def names(self):
        """Artists, albums and genres, and how many songs each has."""
        genre = self.some("genre")[0]
        album = lambda song: song["album"] and (under(song), song["album"])
        for option, words, key in (("--artists", ["artist"], under), ("--genres", ["genre"], lambda song: song["genre"]),
                                   ("--albums", ["artist", "album"], album)):
            for filters in ((), ("--genre", genre)):
                counts = collections.Counter(key(song) for song in self.songs if key(song) and (not filters or song["genre"] == genre))
                told = {tuple(one[word] for word in words): one["songs"] for one in client.listed(self.url, option, *filters)}
                # Songs without an artist are told too.
                told = {name if len(words) > 1 else name[0]: songs for name, songs in told.items() if name[-1]}
                self.checks.equal(" ".join([option, *filters]), told, dict(counts))
        databases = client.listed(self.url, "--databases")
        self.checks.equal("--databases", [(one["database"], one["songs"]) for one in databases], [(self.server.name, SONGS)])
        self.checks.equal("--database", len(self.ls("", "--database", self.server.name)), SONGS)

    def playlists(self):
        wanted = {os.path.basename(one["path"]).rsplit(".", 1)[0]: one["tracks"] for one in self.manifest["playlists"]}
        listed = {one["playlist"]: one["songs"] for one in client.listed(self.url, "--playlists")}
        self.checks.equal("--playlists", {name: listed.get(name) for name in wanted}, wanted)
        for name, songs in list(wanted.items())[:3]:
            self.checks.equal("/playlists/" + name, len(self.ls("/playlists/" + client.quoted(name))), songs)

    def order(self):
        for order in ("title", "-size", "year,-track,title", "artist,album,disc,track"):
            keys = [(word.lstrip("-"), word.startswith("-")) for word in order.split(",")]
            expected = list(self.songs)
            for word, turned in reversed(keys):
                expected.sort(key=lambda song: sorted_by(song[word]), reverse=turned)
            values = [[sorted_by(song[word]) for word, _ in keys] for song in self.ls("", "--sort", order)]
            self.checks.check(values == [[sorted_by(song[word]) for word, _ in keys] for song in expected], "--sort " + order)

    def forms(self):
        """Lines, JSON and playlists say the same."""
        plain = client.dapple("ls", self.url, "--fields", "id,track,size").stdout.splitlines()
        self.checks.equal("lines", plain, ["%s\t%s\t%d" % (song["id"], song["track"] or "", song["size"]) for song in self.songs])
        entries = client.addresses(client.dapple("ls", self.url, "--m3u").stdout)
        seconds = [(song["time"] + 500) // 1000 for song in self.songs]
        self.checks.equal("--m3u", [told for told, _, _ in entries], seconds)
        piped = e2e.run("sh", "-c", "%s ls %s | head -n 1" % (e2e.SERVER, self.url))
        self.checks.check(len(piped.stdout.splitlines()) == 1 and not piped.stderr, "a-pipe-that-closes", piped.stderr[-200:])

    def nothing(self):
        """What is not there: exit code 1, and on standard error what there is instead."""
        artist = next(artist for artist in self.some("artist") if artist.isascii() and len(artist) > 8)
        for path, options, says in (("/artists/" + client.quoted(artist[:-1]), (), artist),
                                    ("/playlists/Mix%20999", (), "Mix 00"),
                                    ("", ("--album", "no such album"), "no album"),
                                    ("/songs/0123456789ABCDEF", (), "no such song"),
                                    ("/search/qqqqqqq", (), "no such song")):
            done = client.dapple("ls", self.url + path, *options)
            good = done.returncode == 1 and says in done.stderr and not done.stdout
            self.checks.check(good, "nothing " + path + " ".join(options), (done.returncode, done.stderr))

    def refused(self):
        """What cannot be: exit code 2, and why."""
        for name, arguments, says in (("path", (self.url + "/nothing",), "nothing"),
                                      ("field", (self.url, "--fields", "titel"), "title"),
                                      ("query", (self.url, "--query", "'a:b"), "query"),
                                      ("database", (self.url, "--database", "none"), "none"),
                                      ("nobody", ("127.0.0.1:%d" % e2e.free_port(),), "no server answers")):
            done = client.dapple("ls", *arguments)
            self.checks.check(done.returncode == 2 and says in done.stderr, "refused " + name, (done.returncode, done.stderr))


def under(song):
    """The artist that a song is filed under."""
    return song["albumartist"] or ("Various Artists" if song["compilation"] else song["artist"]) or ""


def holds(*words):
    def found(song):
        texts = [(text or "").lower() for text in (song["title"], song["artist"], under(song), song["album"])]
        return all(any(word in text for text in texts) for word in words)
    return found


def sorted_by(value):
    """What is not known comes first; texts are compared without their case."""
    return (value not in (None, ""), value.lower() if isinstance(value, str) else value or 0)


def main():
    checks = e2e.Checks()
    folder, manifest = e2e.generated(SONGS)
    with e2e.Server(folder) as server:
        server.scanned(SONGS)
        Test(checks, server, manifest).run()
        server.check_end(checks)
    checks.finish()


main()
