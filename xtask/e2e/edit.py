#!/usr/bin/env python3
"""Playlists that a client makes and changes over DAAP: who may, what each change does, that they outlive a restart and a rescan."""
import os
import shutil
import urllib.parse

import daap
import e2e
import own_tracks

META = "dmap.itemid,dmap.itemname"


class Editor:
    def __init__(self, checks, server):
        self.checks, self.client = checks, server.client().open()
        self.songs = {song[b"minm"]: song[b"miid"] for song in self.client.items(META)}

    def edit(self, action, params, container=None, status=200):
        """One change; the children of its answer."""
        path = "/databases/%d" % self.client.database + ("" if container is None else "/containers/%d" % container)
        target = "%s/edit?action=%s&edit-params=%s&session-id=%d" % (path, action, urllib.parse.quote(params, safe="'():,"), self.client.session)
        got, _, body = self.client.get(target)
        self.checks.check(got == status, "%s %s" % (action, params[:50]), got)
        return daap.parse(body)[0][1] if got == 200 else []

    def playlists(self):
        listed = daap.rows(self.client.tree("/databases/%d/containers" % self.client.database))
        return {row[b"minm"]: row for row in listed if b"abpl" not in row}

    def entries(self, container):
        """The titles of a playlist's songs, and the ids of its entries."""
        tree = self.client.tree("/databases/%d/containers/%d/items" % (self.client.database, container),
                                meta="dmap.itemid,dmap.itemname,dmap.containeritemid")
        listed = daap.rows(tree)
        return [row[b"minm"] for row in listed], [row[b"mcti"] for row in listed]


def changes(checks, editor):
    """Every change there is; the id of the playlist that is left."""
    seen = editor.client.update(1)
    made = daap.find(editor.edit("add", "'dmap.itemname:Sunday\\'s best'"), b"miid")
    checks.check(made, "new-playlist-has-an-id", made)
    checks.check(editor.client.update(seen) > seen, "clients-are-told")
    one, two = editor.songs["First Light"], editor.songs["Second Wind"]
    for song in (one, two, one):
        answer = editor.edit("add", "'dmap.itemid:%d'" % song, made)
        checks.check(daap.find(answer, b"mlit", b"mcti"), "new-entry-has-an-id", answer)
    titles, ids = editor.entries(made)
    checks.equal("appended", titles, ["First Light", "Second Wind", "First Light"])
    editor.edit("add", "('daap.songartist:Aurora Quartet'+'daap.songalbum:Evening Songs')", made)
    checks.equal("appended-by-query", editor.entries(made)[0], ["First Light", "Second Wind", "First Light", "Long One"])
    editor.edit("move", "'edit-param.move-pair:%d,%d'" % (ids[0], ids[2]), made)
    checks.equal("moved", editor.entries(made)[0], ["Second Wind", "First Light", "First Light", "Long One"])
    editor.edit("remove", "'dmap.containeritemid:%d'" % ids[1], made)
    checks.equal("taken-out", editor.entries(made)[0], ["First Light", "First Light", "Long One"])
    editor.edit("rename", "'dmap.itemname:Montag, früh'", made)
    checks.equal("renamed", sorted(editor.playlists()), ["From a file", "Montag, früh"])
    gone = daap.find(editor.edit("add", "'dmap.itemname:Short-lived'"), b"miid")
    editor.edit("remove", "'dmap.itemid:%d'" % gone)
    checks.equal("removed", sorted(editor.playlists()), ["From a file", "Montag, früh"])
    return made


def refusals(checks, editor, made):
    file = editor.playlists()["From a file"][b"miid"]
    before = editor.entries(file)
    editor.edit("add", "'dmap.itemid:%d'" % editor.songs["First Light"], file, status=403)
    editor.edit("remove", "'dmap.itemid:%d'" % file, status=403)
    checks.equal("playlist-of-a-file-stays", editor.entries(file), before)
    editor.edit("add", "'dmap.itemid:999999'", made, status=404)
    editor.edit("rename", "'dmap.itemname:x'", 999999, status=404)
    editor.edit("explode", "'dmap.itemid:1'", made, status=400)
    session, editor.client.session = editor.client.session, 1234567
    editor.edit("add", "'dmap.itemname:x'", status=403)
    editor.client.session = session


def main():
    checks = e2e.Checks()
    folder = e2e.fresh("music")
    shutil.copytree(e2e.cached("own", own_tracks.make), folder, dirs_exist_ok=True)
    with open(os.path.join(folder, "From a file.m3u"), "w", encoding="utf-8") as f:
        f.write("01 First Light.mp3\n")
    songs = len(own_tracks.TRACKS)
    with e2e.Server(folder) as server:
        server.scanned(songs)
        info = daap.find(server.client().tree("/server-info"), b"msrv", b"msed")
        checks.equal("announced", info, 1)
        editor = Editor(checks, server)
        made = changes(checks, editor)
        refusals(checks, editor, made)
        server.check_end(checks, "first")
    os.remove(os.path.join(folder, "07 Long One.mp3"))
    os.rename(os.path.join(folder, "01 First Light.mp3"), os.path.join(folder, "Another name.mp3"))
    with e2e.Server(folder) as server:
        server.scanned(songs - 1)
        editor = Editor(checks, server)
        # The scan behind the start finds what changed meanwhile.
        kept = e2e.wait_for(lambda: len(editor.entries(made)[0]) == 2, 20)
        checks.check(kept, "kept-over-a-restart-without-the-song-that-went", editor.entries(made)[0])
        checks.equal("kept-over-a-rescan", editor.entries(made)[0], ["First Light", "First Light"])
        server.check_end(checks, "second")
    with e2e.Server(folder, options=["--edits", "nobody"]) as server:
        server.scanned(songs - 1)
        checks.equal("not-announced", daap.find(server.client().tree("/server-info"), b"msrv", b"msed"), 0)
        editor = Editor(checks, server)
        editor.edit("add", "'dmap.itemname:x'", status=403)
        editor.edit("remove", "'dmap.itemid:%d'" % made, status=403)
        checks.check("Montag, früh" in editor.playlists(), "switched-off-nothing-changes")
        server.check_end(checks, "third")
    checks.finish()


if __name__ == "__main__":
    main()
