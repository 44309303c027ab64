#!/usr/bin/env python3
"""A crate of somebody else's, outside of the workspace, with one dependency: its songs in libdmapsharing and the probe.

Its program is the smallest example, as it is printed there.
"""
import os
import random
import shutil

import e2e
import libdmapsharing
import probe

MANIFEST = """
[package]
name = "mine"
version = "0.1.0"
edition = "2024"

[dependencies]
daap = { path = %r }

[workspace]
"""
MOST_LINES = 30
SONGS = 60


def build(checks):
    """The program of a crate that was just made; built without the network, from what the workspace has."""
    crate, example = e2e.fresh("mine"), os.path.join(e2e.ROOT, "crates/daap/examples/smallest.rs")
    os.mkdir(os.path.join(crate, "src"))
    shutil.copy(example, os.path.join(crate, "src/main.rs"))
    with open(example, encoding="utf-8") as f:
        lines = len(f.readlines())
    checks.check(lines < MOST_LINES, "smallest-share-is-small", "%d lines" % lines)
    with open(os.path.join(crate, "Cargo.toml"), "w", encoding="utf-8") as f:
        f.write(MANIFEST % os.path.join(e2e.ROOT, "crates/daap"))
    # The versions that the workspace has, which are on the machine already.
    shutil.copy(os.path.join(e2e.ROOT, "Cargo.lock"), crate)
    target = os.path.join(e2e.CACHE, "outside")
    # Others measure time meanwhile.
    cargo = ["nice", "-n", "19", "cargo", "build", "--offline", "--quiet", "--target-dir", target]
    built = e2e.run(*cargo, cwd=crate, timeout=1200)
    checks.check(built.returncode == 0, "builds-outside-the-workspace", built.stderr[-400:])
    with open(os.path.join(crate, "Cargo.lock"), encoding="utf-8") as f:
        used = f.read()
    heavy = [name for name in ("rusqlite", "lofty", "mdns-sd", "image") if 'name = "%s"' % name in used]
    checks.check(not heavy, "no-sqlite-no-tags-no-mdns", heavy)
    return os.path.join(target, "debug/mine")


def songs(checks):
    """Files of different kinds and sizes; what is in them is nobody's business here."""
    folder, contents = e2e.fresh("songs"), random.Random(3)
    paths = []
    for number in range(SONGS):
        path = os.path.join(folder, "Song %02d – Łódź.%s" % (number, ("mp3", "m4a", "flac")[number % 3]))
        with open(path, "wb") as f:
            f.write(contents.randbytes(2000 + 7000 * number))
        paths.append(path)
    return paths


def walk(checks, server, titles):
    walker = probe.Probe(checks, server.client(), {"playlists": []}, False)
    walker.server_info()
    walker.content_codes()
    if walker.login():
        listed = walker.items()
        checks.equal("every-song-listed", sorted(song[b"minm"] for song in listed.values()), sorted(titles))
        walker.pages(listed)
        walker.containers(listed)
        walker.streams(listed)
        walker.end()
    checks.check(not walker.unknown, "no-unknown-codes", sorted(walker.unknown))


def main():
    checks = e2e.Checks()
    program, paths = build(checks), songs(checks)
    titles = [os.path.splitext(os.path.basename(path))[0] for path in paths]
    address = ("127.0.0.1", e2e.free_port())
    with e2e.Program([program, "%s:%d" % address, *paths], address=address) as server:
        client = libdmapsharing.Run(libdmapsharing.build(), server, hold=True)
        tracks = [dict(zip(libdmapsharing.COLUMNS, line)) for line in client.get("record")]
        checks.equal("libdmapsharing-lists-all", sorted(track["title"] for track in tracks), sorted(titles))
        libdmapsharing.check_streams(checks, client, tracks)
        client.end()
        walk(checks, server, titles)
        server.check_end(checks)
    checks.finish()


if __name__ == "__main__":
    main()
