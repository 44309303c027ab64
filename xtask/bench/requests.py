#!/usr/bin/env python3
"""What a client asks while someone browses, one at a time; and as many small requests as there is time for."""
import re
import subprocess

import stage
from stage import Wire, figure, missing

TIMES = 200
CLIENTS = 64
META = "dmap.itemname,dmap.itemid,daap.songartist,daap.songalbum,daap.songtime,daap.songtracknumber"


def album(client):
    """The id of an album of common size."""
    songs = client.items(meta="dmap.itemid,daap.songalbumid", index="0-999")
    sizes = {}
    for song in songs:
        sizes[song[b"asai"]] = sizes.get(song[b"asai"], 0) + 1
    return max((count, album) for album, count in sizes.items() if count <= 25)[1]


def paths(client):
    items = "/databases/%d/items" % client.database
    base = "/databases/%d/containers/1/items" % client.database
    return {
        "album": client.path(items, meta=META, query="'daap.songalbumid:%d'" % album(client), sort="album"),
        "page": client.path(items, meta=META, sort="name", index="0-49"),
        "browse": client.path("/databases/%d/browse/artists" % client.database),
        "container": client.path(base, meta=META, type="music", index="0-49"),
        "search": client.path(items, meta=META, query="'dmap.itemname:*silver*'", index="0-49"),
    }


def alone(port, path):
    """The median of many requests, for each run."""
    wire = Wire(port)
    wire.ask(path)      # the first one makes what is kept
    medians = [stage.median([wire.ask(path)[1] for _ in range(TIMES)]) for _ in range(stage.RUNS)]
    wire.close()
    return medians


def rate(name, port, path):
    if not stage.program("wrk"):
        return missing(name, "needs wrk")
    rates = []
    for _ in range(stage.RUNS):
        command = [stage.program("wrk"), "-t", "2", "-c", str(CLIENTS), "-d", "%ds" % stage.SECONDS,
                   "-H", "User-Agent: iTunes/12.12.4", "-H", "Client-DAAP-Version: 3.13",
                   "http://127.0.0.1:%d%s" % (port, path)]
        said = subprocess.run(command, capture_output=True, text=True, timeout=60).stdout
        if "Non-2xx" in said:
            raise SystemExit("%s: %s" % (name, said))
        rates.append(float(re.search(r"Requests/sec:\s+([\d.]+)", said).group(1)))
    figure(name, "requests/s", rates)


def main():
    with stage.serve() as server:
        client = server.client().open()
        for name, path in paths(client).items():
            figure("requests." + name, "ms", alone(server.port, path))
        rate("small.rate", server.port, "/server-info")
        small = client.get("/server-info")[2]
        client.close()

    def beside(nginx):
        path = nginx.put("server-info", small)
        with nginx:
            rate("nginx.small.rate", nginx.port, path)
    stage.beside_nginx(beside, "nginx.small.rate")


main()
