"""A small server on raw sockets, whose every answer a test can spoil, and a share that is one.

A misbehaviour is a function from a `Server` and a request to an `Answer`, or to None where the server is to behave.
"""
import gzip
import hashlib
import re
import socket
import struct
import threading

import daap

NAME = "A share"
ALBUM = "An album"
SESSION = 4711
REVISION = 7


def dmap(code, value):
    """An element: a list of elements, a text, or a number of the width of its code."""
    if isinstance(value, (list, tuple)):
        value = b"".join(value)
    elif isinstance(value, str):
        value = value.encode()
    elif isinstance(value, int):
        value = value.to_bytes(daap.WIDTHS[daap.CODES[code.encode()][0]], "big")
    return code.encode() + struct.pack(">I", len(value)) + value


def entry(*elements):
    return dmap("mlit", [dmap(code, value) for code, value in elements])


def listing(root, entries, total=None):
    count = len(entries) if total is None else total
    return dmap(root, [dmap("mstt", 200), dmap("muty", 0), dmap("mtco", count), dmap("mrco", count), dmap("mlcl", entries)])


def content(seed, size):
    """Bytes that no other song has."""
    block = b"".join(hashlib.sha256(b"%d %d" % (seed, part)).digest() for part in range(512))
    return (block * (size // len(block) + 1))[:size]


class Request:
    def __init__(self, head):
        first, *lines = head.decode("latin-1").split("\r\n")
        self.method, self.target = first.split()[:2]
        self.path, _, self.query = self.target.partition("?")
        self.headers = {key.lower(): value.strip() for key, _, value in (line.partition(":") for line in lines)}

    def range(self):
        """The first byte that a Range asks for, or None."""
        asked = re.match(r"bytes=(\d+)-", self.headers.get("range", ""))
        return int(asked.group(1)) if asked else None


class Answer:
    """A head, and the parts of a body. None among them is silence until the client goes away; an end is a closed connection
    if it comes before the length that was said."""

    def __init__(self, status=200, headers=(), parts=(), length=None):
        self.status, self.parts = status, parts
        self.headers = dict({"DAAP-Server": "bad/1.0", "Content-Type": "application/x-dmap-tagged"}, **dict(headers))
        if length is not None:
            self.headers["Content-Length"] = length
        elif isinstance(parts, (list, tuple)) and "Transfer-Encoding" not in self.headers:
            self.headers["Content-Length"] = sum(len(part or b"") for part in parts)

    def head(self):
        lines = ["HTTP/1.1 %d Whatever" % self.status] + ["%s: %s" % pair for pair in self.headers.items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


class Raw:
    """No HTTP at all."""

    def __init__(self, content):
        self.content = content


def whole(body, **headers):
    return Answer(headers={key.replace("_", "-"): value for key, value in headers.items()}, parts=[body])


def status(code, **headers):
    return Answer(code, {key.replace("_", "-"): value for key, value in headers.items()})


def chunked(parts):
    """The parts as HTTP's chunks."""
    for part in parts:
        yield b"%x\r\n%s\r\n" % (len(part), part)
    yield b"0\r\n\r\n"


class Server:
    """Answers as `behave(request)` says, but where `spoil(server, request)` gives an answer."""

    def __init__(self, spoil=None):
        self.spoil, self.asked = spoil, []
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = "http://127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection:
            try:
                rest = b""
                while True:
                    while b"\r\n\r\n" not in rest:
                        part = connection.recv(65536)
                        if not part:
                            return
                        rest += part
                    head, _, rest = rest.partition(b"\r\n\r\n")
                    request = Request(head)
                    self.asked.append(request)
                    if not send(connection, (self.spoil and self.spoil(self, request)) or self.behave(request)):
                        return
            except OSError:
                pass    # the client has gone


class Share(Server):
    """A share that behaves."""

    def __init__(self, spoil=None, titles=("One", "Two", "Three"), size=300_000):
        self.titles = titles
        self.songs = [content(number, size) for number in range(len(titles))]
        super().__init__(spoil)

    def behave(self, request):
        """The right answer."""
        if request.path == "/update" and "revision-number=%d" % REVISION in request.query:
            return Answer(parts=[None])
        count = len(self.titles)
        fixed = {"/server-info": dmap("msrv", [dmap("mstt", 200), dmap("mpro", 0x2000a), dmap("apro", 0x3000c), dmap("minm", NAME),
                                               dmap("mslr", 0), dmap("msau", 0), dmap("msup", 1), dmap("msdc", 1)]),
                 "/login": dmap("mlog", [dmap("mstt", 200), dmap("mlid", SESSION)]),
                 "/update": dmap("mupd", [dmap("mstt", 200), dmap("musr", REVISION)]),
                 "/databases": listing("avdb", [entry(("miid", 1), ("minm", NAME), ("mimc", count), ("mctc", 1))]),
                 "/databases/1/items": listing("adbs", self.entries()),
                 "/databases/1/containers": listing("aply", [entry(("miid", 1), ("minm", NAME), ("abpl", 1), ("mimc", count))]),
                 "/databases/1/containers/1/items": listing("apso", self.entries())}
        if request.path in fixed:
            return whole(fixed[request.path])
        if request.path == "/logout":
            return status(204)
        song = self.song(request)
        if song is None:
            return status(404)
        start = request.range() or 0
        if request.range() is None:
            return whole(song, Content_Type="audio/mpeg", Accept_Ranges="bytes")
        if start >= len(song):
            return status(416, Content_Range="bytes */%d" % len(song))
        sent = "bytes %d-%d/%d" % (start, len(song) - 1, len(song))
        return Answer(206, {"Content-Type": "audio/mpeg", "Content-Range": sent}, [song[start:]])

    def song(self, request):
        """The bytes of the song that is asked for."""
        named = re.match(r"/databases/1/items/(\d+)\.\w+$", request.path)
        return self.songs[int(named.group(1)) - 1] if named else None

    def entries(self):
        return [entry(("mikd", 2), ("miid", number), ("mcti", number), ("mper", number), ("minm", title), ("asal", ALBUM),
                      ("asfm", "mp3"), ("assz", len(song)), ("astn", number))
                for number, (title, song) in enumerate(zip(self.titles, self.songs), 1)]


def send(connection, answer):
    """Sends an answer; whether the connection can be used for another."""
    if isinstance(answer, Raw):
        connection.sendall(answer.content)
        return False
    connection.sendall(answer.head())
    sent = 0
    for part in answer.parts:
        if part is None:
            connection.recv(1)
            return False
        connection.sendall(part)
        sent += len(part)
    return "Transfer-Encoding" in answer.headers or int(answer.headers.get("Content-Length", -1)) == sent


def packed(body):
    return gzip.compress(body, 1)
