#!/usr/bin/env python3
"""Every endpoint's answer through Perl's Net::DAAP::DMAP, a decoder that others wrote, with and without a password."""
import os
import shutil

import e2e
import own_tracks


def main():
    checks = e2e.Checks()
    own = e2e.cached("own", own_tracks.make)
    folder = os.path.join(e2e.fresh("music"), "own")
    shutil.copytree(own, folder)
    with open(os.path.join(folder, "Two of them.m3u8"), "w", encoding="utf-8") as f:
        f.write("#EXTM3U\n03 Łódź café.mp3\n04 日本の歌.flac\n")
    for password in (None, "täglich: ja"):
        data = e2e.fresh("data")
        with e2e.Server(folder, data=data, password=password) as server:
            server.scanned(len(own_tracks.TRACKS))
            arguments = [server.host, server.port, own + ".manifest.json"] + ([password] if password else [])
            checks.lines_of(e2e.run("perl", os.path.join(e2e.HERE, "decode.pl"), *arguments))
            server.check_end(checks)
    checks.finish()


main()
