#!/usr/bin/env python3
"""Walks every endpoint as iTunes does, over 1,000 generated songs, and compares all with what was generated.

    probe.py [password | hostile | large]

password: with a password set. hostile: fewer songs, and among them broken, absurd and mislabelled files.
large: 100,000 songs.
A FAIL is a broken frame, a wrong length or status, a missing tag, lists that disagree, a wrong slice, a filter
that finds other songs. A warning is legal but unusual: it fails too, unless `EXPECTED` says why we mean it so.
"""
import collections
import gzip
import os
import random
import re
import struct
import sys
import time

import daap
import e2e
from daap import find

SONGS, SONGS_AMONG_HOSTILE, MANY_SONGS = 1000, 200, 100_000
PASSWORD = "open sesame, 100% 'ü'"

# warnings that are meant: pattern, reason
EXPECTED = [
]

ITUNES_META = ",".join("""dmap.itemkind dmap.itemid dmap.itemname dmap.persistentid dmap.containeritemid
daap.songalbum daap.songalbumid daap.songartist daap.songalbumartist daap.songartistid daap.songbeatsperminute
daap.songbitrate daap.songcomment daap.songcompilation daap.songcomposer daap.songcontentrating daap.songdateadded
daap.songdatemodified daap.songdatereleased daap.songdisabled daap.songdisccount daap.songdiscnumber
daap.songeqpreset daap.songformat daap.songgenre daap.songgrouping daap.songdescription daap.songrelativevolume
daap.songsamplerate daap.songsize daap.songlongsize daap.songstarttime daap.songstoptime daap.songtime
daap.songtrackcount daap.songtracknumber daap.songuserrating daap.songyear daap.songdatakind daap.songcodectype
daap.songcodecsubtype daap.songhasbeenplayed daap.songuserplaycount daap.songdateplayed daap.songartworkcount
daap.songextradata daap.songgapless daap.bookmarkable daap.songbookmark daap.songkeywords
daap.songlongcontentdescription daap.songpodcasturl daap.songdataurl daap.sortname daap.sortartist daap.sortalbum
daap.sortalbumartist daap.sortcomposer daap.sortseriesname com.apple.itunes.norm-volume
com.apple.itunes.itms-songid com.apple.itunes.itms-artistid com.apple.itunes.itms-playlistid
com.apple.itunes.itms-composerid com.apple.itunes.itms-genreid com.apple.itunes.itms-storefrontid
com.apple.itunes.has-video com.apple.itunes.is-podcast com.apple.itunes.mediakind
com.apple.itunes.extended-media-kind com.apple.itunes.series-name com.apple.itunes.network-name
com.apple.itunes.episode-num-str com.apple.itunes.episode-sort com.apple.itunes.season-num
com.apple.itunes.gapless-heur com.apple.itunes.gapless-enc-dr com.apple.itunes.gapless-dur
com.apple.itunes.gapless-resy com.apple.itunes.gapless-enc-del com.apple.itunes.content-rating
com.apple.itunes.is-hd-video""".split())
SHORT_META = "dmap.itemid,dmap.itemname,dmap.itemkind,dmap.persistentid,daap.songalbum,daap.songartist," \
             "daap.songformat,daap.songtime,daap.songsize,daap.songtracknumber"
SHORT_CODES = set(b"miid minm mikd mper asal asar asfm astm assz astn".split())
LIST = (b"mstt", b"muty", b"mtco", b"mrco", b"mlcl")
# manifest key and tag
COMPARED = [("title", b"minm"), ("artist", b"asar"), ("album", b"asal"), ("genre", b"asgn"), ("composer", b"ascp"),
            ("track", b"astn"), ("tracks", b"astc"), ("disc", b"asdn"), ("discs", b"asdc"), ("year", b"asyr"),
            ("album_artist", b"asaa"), ("bpm", b"asbt"), ("sort_title", b"assn"), ("sort_artist", b"assa"),
            ("sort_album", b"assu"), ("sort_album_artist", b"assl"), ("sort_composer", b"assc"),
            ("compilation", b"asco"), ("comment", b"ascm"), ("grouping", b"agrp"), ("sample_rate", b"assr"),
            ("size", b"assz"), ("format_suffix", b"asfm")]
DURATION_MS = 50


class Probe:
    def __init__(self, checks, client, manifest, hostile):
        self.checks, self.client, self.manifest, self.hostile = checks, client, manifest, hostile
        self.types, self.unknown = dict(daap.CODES), set()
        self.random = random.Random(5)

    def fail(self, message):
        self.checks.fail(message)

    def need(self, good, message):
        if not good:
            self.fail(message)
        return good

    def warn(self, message):
        reason = next((reason for pattern, reason in EXPECTED if re.search(pattern, message)), None)
        if reason:
            print("expected: %s (%s)" % (message, reason))
        else:
            self.fail("warning: " + message)

    def step(self, name, path, root=None, want=(), headers=None):
        """One request; the children of its root, or None."""
        failed = self.checks.failed
        tree = None
        with self.checks.step(name):
            status, got, body = self.client.get(path, headers)
            if self.need(status == 200, "%s: status %d" % (name, status)):
                tree = self.decode(name, got, body, root, want)
        if self.checks.failed == failed:
            self.checks.ok(name)
        return tree

    def decode(self, name, headers, body, root, want):
        length = headers.get("content-length")
        self.need(length is not None and int(length) == len(body), "%s: Content-Length %s, body %d" % (name, length, len(body)))
        if headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        kind = headers.get("content-type", "")
        self.need(kind.startswith("application/x-dmap-tagged"), "%s: Content-Type %r" % (name, kind))
        tree = daap.parse(body, types=self.types, unknown=self.unknown)
        if not self.need([code for code, _ in tree] == [root], "%s: roots %s" % (name, [code for code, _ in tree])):
            return None
        children = tree[0][1]
        self.need(children[:1] == [(b"mstt", 200)], "%s: begins with %s" % (name, children[:1]))
        for code in want:
            self.need(find(children, code) is not None, "%s: no %s" % (name, code.decode()))
        return children

    def listing(self, name, tree, whole=True):
        """The rows of a list, its counts checked."""
        listed = [row for code, row in find(tree or [], b"mlcl") or () if code == b"mlit"]
        sent, total = find(tree or [], b"mrco"), find(tree or [], b"mtco")
        self.need(sent == len(listed), "%s: mrco %s, listed %d" % (name, sent, len(listed)))
        good = total == sent if whole else None not in (total, sent) and total >= sent
        self.need(good, "%s: mtco %s, mrco %s" % (name, total, sent))
        return listed

    # ---- the walk

    def run(self):
        self.server_info()
        self.content_codes()
        if not self.login():
            return
        songs = self.items()
        self.pages(songs)
        self.queries(songs)
        self.containers(songs)
        self.browse(songs)
        self.groups(songs)
        self.artwork(songs)
        self.streams(songs)
        self.compare(songs)
        self.end()
        for code in sorted(self.unknown):
            self.warn("unknown code %r" % code)

    def server_info(self):
        status, headers, _ = self.client.get("/server-info")
        self.checks.check("daap-server" in headers, "daap-server-header", headers.get("daap-server", "none"))
        self.step("server-info", "/server-info", b"msrv", (b"mstt", b"mpro", b"apro", b"minm", b"msdc", b"mstm"))

    def content_codes(self):
        tree = self.step("content-codes", "/content-codes", b"mccr")
        entries = [dict(entry) for code, entry in tree or () if code == b"mdcl"]
        self.checks.check(len(entries) >= 100, "content-codes-entries", len(entries))
        for entry in entries:
            number, name, kind = entry.get(b"mcnm"), entry.get(b"mcna"), entry.get(b"mcty")
            if not self.need(number and name and kind, "content-codes: %r lacks a part" % entry):
                continue
            code = struct.pack(">I", number)
            want = daap.CODES.get(code, (kind,))[0]
            same = want == kind or {want, kind} in ({1, 2}, {3, 4}, {5, 6}, {7, 8})
            self.need(same, "content-codes: %s (%s) is type %d, not %d" % (code.decode("latin-1"), name, kind, want))
            self.types[code] = (kind, name)

    def login(self):
        client = self.client
        tree = self.step("login", "/login", b"mlog", (b"mlid",))
        client.session = find(tree or [], b"mlid")
        if not self.need(client.session, "login: no session"):
            return False
        tree = self.step("update", client.path("/update", revision_number=1), b"mupd", (b"musr",))
        client.revision = find(tree or [], b"musr")
        self.need((client.revision or 0) > 1, "update: revision %s, clients begin at 1" % client.revision)
        tree = self.step("databases", client.path("/databases", revision_number=client.revision), b"avdb", LIST)
        databases = self.listing("databases", tree)
        if not self.need(databases, "databases: none"):
            return False
        for code in (b"miid", b"minm", b"mimc", b"mctc"):
            self.need(find(databases[0], code) is not None, "databases: no " + code.decode())
        client.database, self.count = find(databases[0], b"miid"), find(databases[0], b"mimc")
        return True

    def items_path(self, **parameters):
        parameters.setdefault("type", "music")
        parameters.setdefault("meta", ITUNES_META)
        return self.client.path("/databases/%d/items" % self.client.database, **parameters)

    def items(self):
        tree = self.step("items", self.items_path(revision_number=self.client.revision), b"adbs", LIST)
        listed = self.listing("items", tree)
        self.need(len(listed) == self.count, "items: %d listed, databases says %s" % (len(listed), self.count))
        songs = {}
        for row in listed:
            song = dict(row)
            self.need(len(song) == len(row), "items: a tag twice in %s" % e2e.short(row))
            if not self.need(song.get(b"miid") and song.get(b"minm"), "items: no id or name in %s" % e2e.short(row)):
                continue
            self.need(row[0][0] == b"mikd", "items: begins with %r, not mikd" % row[0][0])
            songs[song[b"miid"]] = song
        self.checks.equal("items-ids-unique", len(songs), len(listed))
        self.checks.equal("items-persistent-ids-unique", len({song.get(b"mper") for song in songs.values()}), len(listed))
        short = self.listing("items short", self.step("items-short", self.items_path(meta=SHORT_META), b"adbs", LIST))
        extra = {code for row in short for code, _ in row} - SHORT_CODES
        self.checks.check(not extra, "items-only-what-was-asked", sorted(extra))
        self.gzip()
        return songs

    def gzip(self):
        _, _, plain = self.client.get(self.items_path())
        _, headers, packed = self.client.get(self.items_path(), {"Accept-Encoding": "gzip"})
        if self.checks.equal("gzip-offered", headers.get("content-encoding"), "gzip"):
            self.checks.check(gzip.decompress(packed) == plain, "gzip-same-bytes", "%d of %d" % (len(packed), len(plain)))

    def pages(self, songs):
        path = self.items_path(index="0-49", sort="name", include_sort_headers=1)
        tree = self.step("index-page", path, b"adbs", (b"mtco", b"mrco", b"mshl"))
        page = self.listing("index page", tree, whole=False)
        self.checks.equal("index-page-length", len(page), min(50, len(songs)))
        self.checks.equal("index-page-total", find(tree or [], b"mtco"), len(songs))
        parts = []
        for first in range(0, len(songs), 97):
            _, _, body = self.client.get(self.items_path(index="%d-%d" % (first, first + 96), sort="album", meta="dmap.itemid"))
            parts += [row[b"miid"] for row in daap.rows(daap.parse(body))]
        self.checks.check(sorted(parts) == sorted(songs), "index-pages-cover-all", len(parts))

    def queries(self, songs):
        albums = collections.defaultdict(set)
        for number, song in songs.items():
            if song.get(b"asal"):
                albums[song[b"asal"]].add(number)
        plain = sorted(name for name in albums if name.isascii() and not set(name) & set("'\"\\*,+()"))
        odd = sorted(name for name in albums if not name.isascii())[:5] + sorted(name for name in albums if "'" in name)[:2]
        for name in self.random.sample(plain, min(5, len(plain))) + odd:
            query = "'daap.songalbum:%s'" % name.replace("\\", "\\\\").replace("'", "\\'")
            tree = self.step("query-album", self.items_path(query=query, meta=SHORT_META), b"adbs", (b"mtco", b"mrco"))
            got = {find(row, b"miid") for row in self.listing("query album", tree)}
            self.need(got == albums[name], "query album %r: %d songs, expected %d" % (name[:40], len(got), len(albums[name])))

    def containers(self, songs):
        client = self.client
        meta = "dmap.itemid,dmap.itemname,dmap.persistentid,dmap.parentcontainerid,daap.baseplaylist,dmap.itemcount," \
               "com.apple.itunes.smart-playlist"
        tree = self.step("containers", client.path("/databases/%d/containers" % client.database, meta=meta), b"aply", LIST)
        containers = [dict(row) for row in self.listing("containers", tree)]
        base = [container for container in containers if b"abpl" in container]
        self.checks.check(len(base) == 1 and containers[0] == base[0], "base-playlist-first-and-alone", len(base))
        wanted = {os.path.basename(playlist["path"]).rsplit(".", 1)[0]: playlist["tracks"] for playlist in self.manifest["playlists"]}
        listed = {container[b"minm"]: container.get(b"mimc") for container in containers}
        for name, count in wanted.items():
            self.checks.equal("playlist %r" % name, listed.get(name), count)
        for container in containers:
            number = container[b"miid"]
            path = client.path("/databases/%d/containers/%d/items" % (client.database, number), type="music",
                               meta="dmap.itemkind,dmap.itemid,dmap.containeritemid")
            tree = self.step("container-items", path, b"apso", LIST)
            entries = [dict(row) for row in self.listing("container items", tree)]
            self.need(len(entries) == container.get(b"mimc"), "container %d: %d entries, mimc %s" % (number, len(entries), container.get(b"mimc")))
            self.need(all(entry.get(b"miid") in songs for entry in entries), "container %d has songs that are not listed" % number)
            ids = {entry.get(b"mcti") for entry in entries}
            self.need(None not in ids and len(ids) == len(entries), "container %d: mcti missing or twice" % number)
            if container in base:
                self.need({entry[b"miid"] for entry in entries} == set(songs), "the base playlist does not hold every song")

    def browse(self, songs):
        for what, code, tags in (("artists", b"abar", (b"asaa", b"asar")), ("albums", b"abal", (b"asal",)),
                                 ("genres", b"abgn", (b"asgn",)), ("composers", b"abcp", (b"ascp",))):
            path = self.client.path("/databases/%d/browse/%s" % (self.client.database, what))
            tree = self.step("browse-" + what, path, b"abro", (b"mtco", b"mrco", code))
            names = [name for tag, name in find(tree or [], code) or () if tag == b"mlit"]
            self.need(find(tree or [], b"mtco") == len(names), "browse %s: mtco and list differ" % what)
            have = {next((song[tag] for tag in tags if song.get(tag)), "") for song in songs.values()} - {""}
            folded = {name.casefold() for name in have}
            self.need({name.casefold() for name in names} == folded and len(set(names)) == len(names),
                      "browse %s: %d names, the songs have %d" % (what, len(names), len(have)))

    def groups(self, songs):
        for kind, root in (("albums", b"agal"), ("artists", b"agar")):
            path = self.client.path("/databases/%d/groups" % self.client.database, type="music", group_type=kind, sort="album",
                                    meta="dmap.itemname,dmap.itemid,dmap.persistentid,daap.songartist,daap.songalbumartist,dmap.itemcount")
            tree = self.step("groups-" + kind, path, root, LIST)
            listed = [dict(row) for row in self.listing("groups " + kind, tree)]
            tag = b"asai" if kind == "albums" else b"asri"
            have = collections.Counter(song.get(tag) for song in songs.values())
            wrong = [row for row in listed if have.get(row.get(b"mper")) != row.get(b"mimc")]
            self.checks.check(listed and not wrong, "groups-%s-count-their-songs" % kind, e2e.short(wrong[:1]) if wrong else len(listed))

    def artwork(self, songs):
        got = collections.Counter()
        for number in self.random.sample(sorted(songs), min(30, len(songs))):
            path = "/databases/%d/items/%d/extra_data/artwork" % (self.client.database, number)
            status, headers, body = self.client.get(self.client.path(path, mw=200, mh=200))
            got[status] += 1
            self.need(status in (200, 204, 404), "artwork: status %d" % status)
            if status == 200:
                self.need(body[:2] == b"\xff\xd8" or body[:4] == b"\x89PNG", "artwork: neither JPEG nor PNG")
                self.need(songs[number].get(b"asac", 0) > 0, "artwork: song %d says it has none" % number)
            else:
                self.need(not songs[number].get(b"asac"), "artwork: song %d says it has one" % number)
        self.checks.check(got[200] > 0, "artwork", dict(got))

    def streams(self, songs):
        by_format = collections.defaultdict(list)
        for number in sorted(songs):
            by_format[songs[number].get(b"asfm")].append(songs[number])
        for suffix, some in sorted(by_format.items(), key=str):
            for song in self.random.sample(some, min(2, len(some))):
                failed = self.checks.failed
                with self.checks.step("stream"):
                    self.stream(song)
                if self.checks.failed == failed:
                    self.checks.ok("stream-%s" % suffix)
        status, _, _ = self.client.get(self.client.path("/databases/%d/items/%d.mp3" % (self.client.database, 2 ** 31 - 1)))
        self.checks.equal("stream-of-nothing", status, 404)

    def stream(self, song):
        path = self.client.song_path(song)
        status, _, whole = self.client.get(path)
        if not self.need(status == 200 and len(whole) == song.get(b"assz"), "stream: status %d, %d bytes of %s" % (status, len(whole), song.get(b"assz"))):
            return
        size = len(whole)
        if size < 200:
            return
        for text, start, end in (("bytes=100-199", 100, 200), ("bytes=%d-" % (size - 50), size - 50, size),
                                 ("bytes=0-0", 0, 1), ("bytes=-10", size - 10, size), ("bytes=0-", 0, size)):
            status, headers, body = self.client.get(path, {"Range": text})
            self.need(status == 206 and body == whole[start:end], "%s: status %d, %d bytes" % (text, status, len(body)))
            want = "bytes %d-%d/%d" % (start, end - 1, size)
            self.need(headers.get("content-range") == want, "%s: Content-Range %r" % (text, headers.get("content-range")))
        status, headers, _ = self.client.get(path, {"Range": "bytes=%d-" % size})
        self.need(status == 416 and headers.get("content-range") == "bytes */%d" % size, "range past the end: status %d" % status)

    def end(self):
        client = self.client
        status, _, _ = client.get("/databases/%d/items?session-id=1234567&meta=dmap.itemid" % client.database)
        self.checks.equal("invented-session-refused", status, 403)
        other = daap.Client("http://%s:%d" % (client.host, client.port))
        other.headers, other.session = client.headers, client.session
        began = time.monotonic()
        try:
            other.update(client.revision, timeout=2.5)
            self.fail("update with the newest revision was answered after %.2f s, not held" % (time.monotonic() - began))
        except TimeoutError:
            self.checks.ok("update-held")
        other.close()
        status, _, _ = client.get(client.path("/logout"))
        self.checks.check(status in (200, 204), "logout", status)
        status, _, _ = client.get(client.path("/databases"))
        self.checks.equal("session-gone-after-logout", status, 403)

    # ---- every song against what was written into its file

    def compare(self, songs):
        tracks = self.manifest["tracks"]
        extra = len(songs) - len(tracks)
        self.checks.check(0 <= extra <= len(self.manifest["hostile"]) + 1 if self.hostile else extra == 0,
                          "all-songs-listed", "%d of %d" % (len(songs), len(tracks)))
        by_name = collections.defaultdict(list)
        for song in songs.values():
            by_name[song.get(b"minm")].append(song)
        wrong, missing = collections.defaultdict(list), []
        for track in tracks:
            track["format_suffix"] = track["path"].rsplit(".", 1)[1]
            stem = track["path"].rsplit("/", 1)[1].rsplit(".", 1)[0]
            found = by_name.get(track.get("title", stem)) or by_name.get(stem.split(" ", 1)[-1], [])
            if not found:
                missing.append((track.get("title", stem), track["path"]))
                continue
            song = max(found, key=lambda song: sum(song.get(tag) == track.get(key) for key, tag in COMPARED))
            for key, tag in COMPARED:
                if key in track and (key != "title" or track[key]) and song.get(tag) != track[key]:
                    wrong["%s (%s) of %s" % (key, tag.decode(), track["style"])].append((track[key], song.get(tag)))
            if abs(song.get(b"astm", 0) - track["duration_ms"]) > DURATION_MS:
                wrong["duration of " + track["style"]].append((track["duration_ms"], song.get(b"astm")))
        self.checks.check(not missing, "every-song-found", missing[:3])
        for what, cases in sorted(wrong.items(), key=lambda pair: -len(pair[1])):
            self.warn("manifest: %d x %s, e.g. %s" % (len(cases), what, e2e.short(cases[0])))
        if not wrong:
            self.checks.ok("every-tag-as-written", "%d songs" % len(tracks))


def main():
    variant = sys.argv[1] if len(sys.argv) > 1 else "plain"
    checks = e2e.Checks()
    hostile = variant == "hostile"
    if hostile:
        folder, manifest = e2e.generated(SONGS_AMONG_HOSTILE, "--hostile")
    else:
        folder, manifest = e2e.generated(MANY_SONGS if variant == "large" else SONGS)
    password = PASSWORD if variant == "password" else None
    with e2e.Server(folder, password=password) as server:
        server.scanned(len(manifest["tracks"]))
        if password:
            status, headers, _ = server.client().get("/login")
            checks.check(status == 401 and "basic" in headers.get("www-authenticate", "").lower(), "password-asked", status)
            status, _, _ = server.client(password=password + "x").get("/login")
            checks.equal("wrong-password-refused", status, 401)
        Probe(checks, server.client(password=password), manifest, hostile).run()
        server.check_end(checks)
    checks.finish()


if __name__ == "__main__":
    main()
