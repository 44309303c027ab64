#!/usr/bin/env python3
"""curl and raw sockets seek in songs: every form of range and of request target gives the file's own bytes."""
import os
import socket

import e2e
import own_tracks

# (Range, start, end) of a file of `size` bytes; None for "not satisfiable", False for "the whole, 200"
CASES = [
    ("bytes=1000-1999", lambda size: (1000, 2000)),
    ("bytes=0-0", lambda size: (0, 1)),
    ("bytes=0-", lambda size: (0, size)),
    ("bytes=-500", lambda size: (size - 500, size)),
    ("bytes=-99999999", lambda size: (0, size)),
    ("bytes=5000-", lambda size: (5000, size)),
    ("bytes=1000-99999999", lambda size: (1000, size)),
    ("bytes=%(last)d-%(last)d", lambda size: (size - 1, size)),
    ("bytes=%(size)d-", lambda size: None),
    ("bytes=-0", lambda size: None),
    ("bytes=0-1,5-6", lambda size: False),
    ("bytes=9-5", lambda size: False),
    ("songs=1-2", lambda size: False),
    ("bytes=a-b", lambda size: False),
]


def curl(*arguments):
    """(status, headers, body) as curl sees them."""
    head, body = os.path.join(e2e.WORK, "head"), os.path.join(e2e.WORK, "body")
    done = e2e.run("curl", "-sS", "--max-time", "20", "-D", head, "-o", body, *arguments)
    if done.returncode:
        raise RuntimeError("curl %d: %s" % (done.returncode, done.stderr.strip()))
    with open(head, encoding="latin-1") as f:
        first, *lines = [line.strip() for line in f.read().strip().splitlines()]
    headers = {line.split(":", 1)[0].lower(): line.split(":", 1)[1].strip() for line in lines if ":" in line}
    with open(body, "rb") as f:
        return int(first.split()[1]), headers, f.read()


def raw(server, request):
    """The answer to these very bytes: (status line, body)."""
    with socket.create_connection((server.host, server.port), timeout=20) as s:
        s.sendall(request)
        answer = b""
        while part := s.recv(65536):
            answer += part
    head, _, body = answer.partition(b"\r\n\r\n")
    return head.split(b"\r\n")[0].decode("latin-1"), body


def check_ranges(checks, url, content):
    size = len(content)
    for text, expected in CASES:
        text %= dict(size=size, last=size - 1)
        with checks.step(text):
            status, headers, body = curl("-H", "Range: " + text, url)
            want = expected(size)
            if want:
                start, end = want
                good = status == 206 and body == content[start:end]
                good &= headers.get("content-range") == "bytes %d-%d/%d" % (start, end - 1, size)
                good &= headers.get("content-length") == str(end - start)
            elif want is None:
                good = status == 416 and headers.get("content-range") == "bytes */%d" % size
            else:
                good = status == 200 and body == content
            checks.check(good, "range %s" % text, "%d %s %d bytes" % (status, headers.get("content-range"), len(body)))


def check_targets(checks, server, path, content):
    """The three forms of request target, with and without Host."""
    authority = "%s:%d" % (server.host, server.port)
    for name, target in (("path", path), ("http", "http://" + authority + path), ("daap", "daap://" + authority + path)):
        for host in ("Host: %s\r\n" % authority, ""):
            with checks.step("target-" + name):
                text = "GET %s HTTP/1.1\r\n%sRange: bytes=1000-1999\r\nConnection: close\r\n\r\n" % (target, host)
                status, body = raw(server, text.encode())
                checks.check(" 206 " in status and body == content[1000:2000],
                             "target-%s%s" % (name, "" if host else "-without-host"), "%s, %d bytes" % (status, len(body)))
    url = "http://" + authority + path
    for name, target in (("http", url), ("daap", "daap://" + authority + path)):
        with checks.step("curl-request-target-" + name):
            status, _, body = curl("-r", "1000-1999", "--request-target", target, url)
            checks.check(status == 206 and body == content[1000:2000], "curl-request-target-" + name, status)
    with checks.step("http-1.0"):
        status, body = raw(server, ("GET %s HTTP/1.0\r\n\r\n" % path).encode())
        checks.check(" 200 " in status and body == content, "http-1.0", "%s, %d bytes" % (status, len(body)))


def main():
    checks = e2e.Checks()
    folder = e2e.cached("own", own_tracks.make)
    with e2e.Server(folder) as server:
        server.scanned(len(own_tracks.TRACKS))
        client = server.client().open()
        by_size = {os.path.getsize(os.path.join(folder, name)): name for name in os.listdir(folder)}
        for item in client.items():
            path = client.song_path(item)
            with open(os.path.join(folder, by_size[item[b"assz"]]), "rb") as f:
                content = f.read()
            status, headers, body = curl("-r", "1000-1999", server.url + path)
            name = "curl -r 1000-1999 %r" % by_size[item[b"assz"]]
            checks.check(status == 206 and body == content[1000:2000], name, headers.get("content-range"))
            status, headers, body = curl("--head", server.url + path)
            checks.check(status == 200 and headers.get("content-length") == str(len(content)), "head", headers.get("content-length"))
        check_ranges(checks, server.url + path, content)
        check_targets(checks, server, path, content)
        server.check_end(checks)
    checks.finish()


main()
