#!/usr/bin/env python3
"""A song that plays and small requests, while others ask for full listings or for very many covers."""
import stage
from stage import CrowdBeside, Probe, figure

CLIENTS = 64
COVERS = 1000


def tell(name, runs):
    """`runs` has, of each run, the times of pieces and of small requests, and what the others received."""
    pieces, smalls, received = zip(*runs)
    figure(name + ".stream", "ms", [stage.slowest_hundredth(times) for times in pieces])
    figure(name + ".small", "ms", [stage.slowest_hundredth(times) for times in smalls])
    figure(name + ".received", "MB/s", received)


def beside(probe, *crowd, **options):
    with CrowdBeside(*crowd, **options) as others:
        if options.get("once"):
            pieces, smalls = probe.watch(others.process.is_alive)
        else:
            pieces, smalls = probe.for_seconds(2 * stage.SECONDS)
    return pieces, smalls, others.rate


def covers(client):
    """Songs with covers, of as many albums as there are; 1,000 at most."""
    songs = client.items(meta="dmap.itemid,daap.songalbumid,daap.songartworkcount")
    songs = [song for song in songs if song.get(b"asac")]
    albums = {song[b"asai"]: song[b"miid"] for song in songs}
    ids = list(albums.values()) + [song[b"miid"] for song in songs]
    return list(dict.fromkeys(ids))[:COVERS]


def cover_paths(client, ids, run):
    """Each run asks for another size, so that none has been made before."""
    size = 300 + run
    return [client.path("/databases/%d/items/%d/extra_data/artwork" % (client.database, item), mw=size, mh=size)
            for item in ids]


def main():
    stage.open_files()
    with stage.serve() as server:
        client = server.client().open()
        full = client.path("/databases/%d/items" % client.database, type="music", meta=stage.FIELDS)
        probe = Probe(server.port, stage.recording_path(client), client.path("/databases"))
        ids = covers(client)
        every_run = range(stage.RUNS)
        tell("starvation.quiet", [(*probe.for_seconds(2 * stage.SECONDS), 0) for _ in every_run])
        tell("starvation.loop", [beside(probe, server.port, [full], 1) for _ in every_run])
        tell("starvation.crowd", [beside(probe, server.port, [full], CLIENTS) for _ in every_run])
        runs = [cover_paths(client, ids, run) for run in every_run]
        tell("starvation.covers", [beside(probe, server.port, paths, len(paths), once=True) for paths in runs])
        listing = client.get(full)[2]
        client.close()

    def with_nginx(nginx):
        full = nginx.put("listing", listing)
        song = nginx.put("recording.wav", stage.recording() + "/" + stage.RECORDING + ".wav")
        small = nginx.put("small", bytes(200))
        with nginx:
            probe = Probe(nginx.port, song, small)
            tell("nginx.starvation.crowd", [beside(probe, nginx.port, [full], CLIENTS) for _ in every_run])
    stage.beside_nginx(with_nginx, "nginx.starvation.crowd.stream", "nginx.starvation.crowd.small")


main()
