#!/usr/bin/env python3
"""The full listing with the fields of iTunes: first byte, total and gzip beside nginx, and 64 clients at once."""
import gzip

import stage
from stage import Crowd, Wire, figure

GZIP = "Accept-Encoding: gzip\r\n"
TAKES = 3 * stage.RUNS
CLIENTS = 64


def listing(name, port, paths, headers=""):
    """The size of the body. A connection for each take, as clients open one to list."""
    first, total, size = [], [], 0
    for take in range(TAKES):
        wire = Wire(port)
        to_first, to_last, size = wire.ask(paths[take % len(paths)], headers)
        wire.close()
        first.append(to_first)
        total.append(to_last)
    figure(name + ".first_byte", "ms", first)
    figure(name + ".total", "ms", total)
    return size


def crowd(server, path, idle):
    """What is kept of the listing afterwards counts too: nobody has asked for it before."""
    above, took = [], []
    for _ in range(stage.RUNS):
        with stage.peak_memory(server) as peak:
            took.append(Crowd(server.port, [path], CLIENTS, once=True).run())
        above.append((peak[0] - idle) / 2**20)
    figure("crowd.memory", "MiB", above)
    figure("crowd.total", "s", took)


def main():
    with stage.serve() as server:
        client = server.client().open()

        def path(fields=stage.FIELDS):
            return client.path("/databases/%d/items" % client.database, type="music", meta=fields,
                               revision_number=client.revision)
        crowd(server, path(), stage.memory(server))
        # A list without one of the fields is one that nobody has asked for.
        names = stage.FIELDS.split(",")
        others = [path(",".join(names[:n] + names[n + 1:])) for n in range(TAKES)]
        listing("listing.cold", server.port, others)
        listing("gzip.cold", server.port, others, GZIP)
        body = client.get(path())[2]
        packed = client.get(path(), {"Accept-Encoding": "gzip"})[2]
        figure("listing.size", "MB", [listing("listing", server.port, [path()]) / 1e6])
        figure("gzip.size", "MB", [listing("gzip", server.port, [path()], GZIP) / 1e6])

        def beside(nginx):
            plain, gz = nginx.put("listing", body), nginx.put("listing.gz", packed)
            with nginx:
                listing("nginx.listing", nginx.port, [plain])
                listing("nginx.gzip", nginx.port, [gz])
        if gzip.decompress(packed) != body:
            raise SystemExit("the compressed listing is another than the plain one")
        stage.beside_nginx(beside, "nginx.listing.total", "nginx.gzip.total")
        client.close()


main()
