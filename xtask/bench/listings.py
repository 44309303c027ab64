#!/usr/bin/env python3
"""The full listing with the fields of iTunes: first byte, total and gzip beside nginx, and 64 clients at once."""
import gzip

import stage
from stage import Crowd, Wire, figure

GZIP = "Accept-Encoding: gzip\r\n"
TAKES = 3 * stage.RUNS
CLIENTS = 64


def listing(name, port, path, headers=""):
    """The size of the body. A connection for each take, as clients open one to list."""
    first, total, size = [], [], 0
    for _ in range(TAKES):
        wire = Wire(port)
        to_first, to_last, size = wire.ask(path, headers)
        wire.close()
        first.append(to_first)
        total.append(to_last)
    figure(name + ".first_byte", "ms", first)
    figure(name + ".total", "ms", total)
    return size


def crowd(server, path):
    above, took = [], []
    for _ in range(stage.RUNS):
        idle = stage.memory(server)
        with stage.peak_memory(server) as peak:
            took.append(Crowd(server.port, [path], CLIENTS, once=True).run())
        above.append((peak[0] - idle) / 2**20)
    figure("crowd.memory", "MiB", above)
    figure("crowd.total", "s", took)


def main():
    with stage.serve() as server:
        client = server.client().open()
        path = client.path("/databases/%d/items" % client.database, type="music", meta=stage.FIELDS,
                           revision_number=client.revision)
        wire = Wire(server.port)
        figure("gzip.cold", "ms", [wire.ask(path, GZIP)[1]])
        wire.close()
        body = client.get(path)[2]
        packed = client.get(path, {"Accept-Encoding": "gzip"})[2]
        figure("listing.size", "MB", [listing("listing", server.port, path) / 1e6])
        figure("gzip.size", "MB", [listing("gzip", server.port, path, GZIP) / 1e6])
        crowd(server, path)

        def beside(nginx):
            plain, gz = nginx.put("listing", body), nginx.put("listing.gz", packed)
            with nginx:
                listing("nginx.listing", nginx.port, plain)
                listing("nginx.gzip", nginx.port, gz)
        if gzip.decompress(packed) != body:
            raise SystemExit("the compressed listing is another than the plain one")
        stage.beside_nginx(beside, "nginx.listing.total", "nginx.gzip.total")
        client.close()


main()
