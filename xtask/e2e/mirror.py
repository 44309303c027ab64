#!/usr/bin/env python3
"""A mirror of a share of 100,000 songs that changes ten times a second for a minute, over a line that is cut three
times, from a server that is started anew once. In the end both list the same, to the byte.
"""
import re
import threading
import time

import daap
import e2e
import tcp

SONGS, PER_SECOND = 100_000, 10
FIRST_S, SECOND_S = 35, 25           # of changes, before and after the server is started anew
CUTS_S = (8, 22, 48)                 # after the beginning
CUT_FOR_S = 2
EQUAL_WITHIN_S = 20


class Mirrored:
    def __init__(self, checks):
        self.checks = checks
        self.port = e2e.free_port()
        self.line = tcp.Line(("127.0.0.1", self.port))
        self.began = time.monotonic()
        self.cuts = [threading.Timer(after, lambda: self.line.cut(CUT_FOR_S)) for after in CUTS_S]

    def run(self):
        server = self.start_server(FIRST_S)
        with e2e.Program([e2e.example("mirror", "daap-client"), self.line.url("daap"), "127.0.0.1:0"]) as mirror:
            for cut in self.cuts:
                cut.start()
            self.wait_until_done(server, FIRST_S)
            server.kill()
            server = self.start_server(SECOND_S)
            revision = self.wait_until_done(server, SECOND_S)
            for cut in self.cuts:
                cut.join()
            self.compare(server, mirror, revision)
            mirror.kill()
        server.check_end(self.checks)
        said = self.said(mirror)
        lost = [line for line in said if line.startswith("lost: ")]
        self.checks.check(len(lost) >= len(CUTS_S) + 1, "links-were-lost", len(lost))
        self.checks.ok("figures", "%d rounds brought changes; %s of the mirror's memory" % (
            sum(line.endswith(" changed") for line in said), self.memory))

    def start_server(self, seconds):
        return e2e.Program([e2e.example("changing"), "127.0.0.1:%d" % self.port, str(SONGS), str(PER_SECOND), str(seconds)])

    def wait_until_done(self, server, seconds):
        """The revision that it ends with."""
        end = time.monotonic() + seconds + 20
        while time.monotonic() < end:
            done = re.match(r"done at revision (\d+)$", server.line(end - time.monotonic()) or "")
            if done:
                return int(done.group(1))
        raise RuntimeError("it changes for longer than it should")

    def compare(self, server, mirror, revision):
        done = time.monotonic()
        want = everything(server)
        equal = e2e.wait_for(lambda: everything(mirror) == want, EQUAL_WITHIN_S, every=0.5)
        if not self.checks.check(equal, "mirror-is-equal", "%.1f s after the last change, revision %d, %d lists" % (
                time.monotonic() - done, revision, len(want))):
            got = everything(mirror)
            for path in sorted(set(want) | set(got)):
                if want.get(path) != got.get(path):
                    self.checks.fail("list", "%s: %d bytes, expected %d" % (
                        path, len(got.get(path, b"")), len(want.get(path, b""))))
        self.checks.check(sum(map(len, want.values())) > SONGS * 200, "much-was-compared", "%d MB" % (sum(map(len, want.values())) >> 20))
        with open("/proc/%d/status" % mirror.process.pid, encoding="ascii") as f:
            self.memory = re.search(r"VmHWM:\s+(\d+ kB)", f.read()).group(1)

    @staticmethod
    def said(mirror):
        lines = []
        while True:
            line = mirror.line(1)
            if line is None:
                return lines
            lines.append(line)


def everything(program):
    """Every list of a share, with all fields, by path."""
    client = program.client().open()
    lists = {}

    def body(path, meta):
        status, _, lists[path] = client.get(client.path(path, meta=meta))
        return daap.rows(daap.parse(lists[path])) if status == 200 and not path.endswith("/items") else []
    for database in daap.rows(client.tree("/databases")):
        path = "/databases/%d" % database[b"miid"]
        body(path + "/items", "all")
        for container in body(path + "/containers", "all"):
            body("%s/containers/%d/items" % (path, container[b"miid"]), "dmap.itemid,dmap.containeritemid")
    client.close()
    return lists


def main():
    checks = e2e.Checks()
    Mirrored(checks).run()
    checks.finish()


main()
