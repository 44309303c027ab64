"""What the benchmarks share: figures, a server with its library, nginx beside it, clients that cost little.

Standard library only, and the servers and clients of the real-client tests. `cargo xtask bench` sets

  DAPPLE         the dapple binary
  E2E_WORK       an empty folder for this part; the one above it lives for the whole run
  E2E_CACHE      a folder that lives from run to run
  BENCH_SONGS    songs in the library
  BENCH_RUNS     how often each figure is taken
  BENCH_PROGRAMS the folder of the programs of the crate `bench`, and in it `examples`

Each part prints a line of JSON a figure. Everything is on 127.0.0.1, bounded in number and time.
"""
import contextlib
import json
import multiprocessing
import os
import random
import resource
import selectors
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
import wave

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "e2e"))
from e2e import WORK, Server, cached, generated, wait_for  # noqa: E402

SONGS = int(os.environ.get("BENCH_SONGS", "1000"))
RUNS = int(os.environ.get("BENCH_RUNS", "1"))
SECONDS = 2 if RUNS > 1 else 1          # how long a load lasts
LONGEST = 300                           # seconds; nothing lasts longer, but the first scan
RECORDING = "Long Recording"            # a song of 64 MiB, to stream
RECORDING_MB = 64
PIECE = 64 * 1024                       # what a player reads ahead at a time

# What iTunes 12 asks of each song.
FIELDS = ",".join("""
    dmap.itemname dmap.itemid daap.songartist daap.songalbumartist daap.songalbum daap.songtime daap.songtracknumber
    daap.songtrackcount daap.songdiscnumber daap.songdisccount daap.songgenre daap.songyear daap.songbitrate
    daap.songsamplerate daap.songsize daap.songformat daap.songdescription daap.songdateadded daap.songdatemodified
    daap.songuserrating daap.songcompilation daap.songcomposer daap.sortname daap.sortartist daap.sortalbum
    daap.songalbumid daap.songartistid dmap.persistentid com.apple.itunes.mediakind daap.songcodectype""".split())
HEADERS = ("Host: 127.0.0.1\r\nUser-Agent: iTunes/12.12.4\r\nClient-DAAP-Version: 3.13\r\n"
           "Accept-Codecs: mpeg,mp4a,alac,wav,aif,flac,ogg,opus\r\n")


def end_well():
    """Stopped, or left alone by who started it, a part ends what it has started and clears up."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    parent = os.getppid()

    def watch():
        while os.getppid() == parent:
            time.sleep(1)
        os.kill(os.getpid(), signal.SIGTERM)
    threading.Thread(target=watch, daemon=True).start()


end_well()


# ------------------------------------------------------------------ figures

def figure(name, unit, values):
    print(json.dumps({"figure": name, "unit": unit, "values": [round(value, 6) for value in values]}), flush=True)


def missing(name, why):
    print(json.dumps({"figure": name, "missing": why}), flush=True)


def slowest_hundredth(times):
    """The 99th percentile."""
    return sorted(times)[int(len(times) * 0.99)]


median = statistics.median


# ------------------------------------------------------------------ libraries and servers

def library():
    """The folder of the generated songs."""
    return generated(SONGS)[0]


def recording():
    """A folder with one long song."""
    def make(path):
        os.makedirs(path)
        noise = random.Random(7).randbytes(1 << 20)
        with wave.open(os.path.join(path, RECORDING + ".wav"), "wb") as song:
            song.setparams((2, 2, 44100, 0, "NONE", ""))
            for _ in range(RECORDING_MB):
                song.writeframesraw(noise)
    return cached("recording", make)


def serve(*folders, data=None):
    """A server of these folders, its scan done; of the library and the recording if none is named."""
    folders = folders or (library(), recording())
    server = Server(*folders, data=data or os.path.join(os.path.dirname(WORK), "data"))
    # The files of a library are a few more than its songs: all are listed when the scan rests.
    server.scanned(seconds=3600)
    return server


def recording_path(client):
    """The target that streams the recording."""
    return client.song_path(client.items(query="'dmap.itemname:%s'" % RECORDING)[0])


def memory(server, key="VmRSS"):
    """Bytes that the server holds."""
    with open("/proc/%d/status" % server.process.pid) as status:
        return int(status.read().split(key + ":")[1].split()[0]) * 1024


@contextlib.contextmanager
def peak_memory(server):
    """Gives a list that has, at the end, the most bytes the server has held meanwhile."""
    with open("/proc/%d/clear_refs" % server.process.pid, "w") as clear:
        clear.write("5")        # the peak starts anew
    peak = []
    yield peak
    peak.append(memory(server, "VmHWM"))


def program(name):
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


class Nginx:
    """nginx on a free port, serving the files of one folder."""

    def __init__(self):
        self.folder = os.path.join(WORK, "nginx")
        os.makedirs(os.path.join(self.folder, "files"))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.process = None

    def put(self, name, content):
        """Makes a file of bytes, or a link to the file at a path."""
        path = os.path.join(self.folder, "files", name)
        if isinstance(content, str):
            os.symlink(content, path)
        else:
            with open(path, "wb") as f:
                f.write(content)
        return "/" + name

    def __enter__(self):
        with open(os.path.join(self.folder, "nginx.conf"), "w") as conf:
            conf.write("""
                %s worker_processes %d; worker_rlimit_nofile 16384; daemon off; pid nginx.pid; error_log stderr;
                events { worker_connections 8192; }
                http {
                    access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000;
                    client_body_temp_path t; proxy_temp_path t; fastcgi_temp_path t; uwsgi_temp_path t; scgi_temp_path t;
                    server {
                        listen 127.0.0.1:%d backlog=4096;
                        root files;
                        location ~ gz$ { add_header Content-Encoding gzip; }
                    }
                }""" % ("user root;" if os.getuid() == 0 else "", os.cpu_count(), self.port))
        command = [program("nginx"), "-p", self.folder, "-c", "nginx.conf", "-e", "stderr"]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        if not wait_for(self.listens, 10):
            self.__exit__()
            raise RuntimeError("nginx does not listen")
        return self

    def listens(self):
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", self.port)) == 0

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(10)


def beside_nginx(measure, *figures):
    """Measures with a nginx if there is one; else says that the figures need it."""
    if program("nginx"):
        measure(Nginx())
    else:
        for name in figures:
            missing(name, "needs nginx")


# ------------------------------------------------------------------ clients

class Wire:
    """A kept connection that reads answers and throws their bytes away."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), LONGEST)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sink = bytearray(1 << 20)

    def ask(self, path, headers=""):
        """(ms to the first byte, ms to the last, bytes of the body)."""
        began = time.perf_counter()
        self.socket.sendall(request(path, headers))
        answer = b""
        first = None
        while b"\r\n\r\n" not in answer:
            got = self.socket.recv(4096)
            if not got:
                raise ConnectionError("closed by the server")
            first = first or time.perf_counter()
            answer += got
        length, left = head(answer)
        while left > 0:
            # The kernel drops the bytes: reading costs next to nothing.
            got = self.socket.recv_into(self.sink, min(left, len(self.sink)), socket.MSG_TRUNC)
            if not got:
                raise ConnectionError("closed by the server")
            left -= got
        return (first - began) * 1e3, (time.perf_counter() - began) * 1e3, length

    def close(self):
        self.socket.close()


def request(path, headers=""):
    return ("GET %s HTTP/1.1\r\n%s%s\r\n" % (path, HEADERS, headers)).encode()


def head(answer):
    """(length of the body, bytes of it still to come) after the bytes so far."""
    text, body = answer.split(b"\r\n\r\n", 1)
    lines = text.decode("latin-1").lower().split("\r\n")
    if lines[0].split()[1] not in ("200", "206"):
        raise ConnectionError("refused: " + lines[0])
    length = next(int(line.split(":")[1]) for line in lines if line.startswith("content-length:"))
    return length, length - len(body)


def piece_of(size, rng, length):
    """The header for `length` bytes from anywhere in a file of `size`."""
    start = rng.randrange(0, size - length)
    return "Range: bytes=%d-%d\r\n" % (start, start + length - 1)


class Crowd:
    """Many clients in one process, none of which waits for another.

    Each asks one of `paths` in turn, again and again, or once each with `once`. `seek` gives the size of a file
    of which each takes pieces of 256 KiB."""

    def __init__(self, port, paths, clients, headers="", once=False, seek=None):
        self.paths, self.headers, self.once, self.seek = paths, headers, once, seek
        self.rng = random.Random(9)
        self.asked = self.answered = self.received = 0
        self.tally = None       # a number that another process reads: the bytes received
        self.selector = selectors.DefaultSelector()
        self.sink = bytearray(1 << 20)
        for _ in range(clients):
            client = socket.create_connection(("127.0.0.1", port), LONGEST)
            client.setblocking(False)
            self.selector.register(client, selectors.EVENT_READ, None)

    def run(self, seconds=LONGEST):
        """Seconds that it took."""
        began = time.perf_counter()
        for key in list(self.selector.get_map().values()):
            self.ask(key.fileobj)
        while self.selector.get_map() and time.perf_counter() - began < seconds:
            for key, _ in self.selector.select(0.1):
                self.read(key)
        took = time.perf_counter() - began
        for key in list(self.selector.get_map().values()):
            self.leave(key.fileobj)
        self.selector.close()
        return took

    def ask(self, client):
        headers = self.headers + (piece_of(self.seek, self.rng, 256 * 1024) if self.seek else "")
        client.send(request(self.paths[self.asked % len(self.paths)], headers))
        self.asked += 1
        self.selector.modify(client, selectors.EVENT_READ, (b"", None))

    def leave(self, client):
        self.selector.unregister(client)
        client.close()

    def read(self, key):
        answer, left = key.data
        try:
            if left is None:
                got = key.fileobj.recv(4096)
                if not got:
                    raise ConnectionError("closed by the server")
                answer += got
                if b"\r\n\r\n" not in answer:
                    self.selector.modify(key.fileobj, selectors.EVENT_READ, (answer, None))
                    return
                length, left = head(answer)
                self.received += length - left
            else:
                got = key.fileobj.recv_into(self.sink, min(left, len(self.sink)), socket.MSG_TRUNC)
                if not got:
                    raise ConnectionError("closed by the server")
                left -= got
                self.received += got
        except BlockingIOError:
            return
        self.selector.modify(key.fileobj, selectors.EVENT_READ, (answer, left))
        if self.tally is not None:
            self.tally.value = self.received
        if left == 0:
            self.answered += 1
            if self.once:
                self.leave(key.fileobj)
            else:
                self.ask(key.fileobj)


class CrowdBeside:
    """A crowd in a process of its own, for the time of a block.

    Its clients would be on other machines: it gets what time of the cores the server and the probe leave."""

    def __init__(self, *args, **options):
        self.received = multiprocessing.Value("Q", 0, lock=False)
        self.process = multiprocessing.Process(target=self.run, args=args, kwargs=options, daemon=True)

    def run(self, *args, **options):
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.nice(19)
        crowd = Crowd(*args, **options)
        crowd.tally = self.received
        crowd.run()

    def __enter__(self):
        self.began = time.perf_counter()
        self.process.start()
        return self

    def __exit__(self, *_):
        """Ends it."""
        self.rate = self.received.value / (time.perf_counter() - self.began) / 1e6
        self.process.terminate()
        self.process.join()


def open_files():
    """Lets this process hold as many connections as the system allows it; how many."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most


class Probe:
    """What a listener notices: pieces of a song, and small requests, at the pace of a player."""

    EVERY_S = 0.01

    def __init__(self, port, song, small, size=RECORDING_MB << 20):
        self.song, self.small, self.size = song, small, size
        self.wires = Wire(port), Wire(port)
        self.rng = random.Random(5)

    def watch(self, lasts):
        """Asks while `lasts()`; (ms of each piece, ms of each small request)."""
        pieces, smalls = [], []
        while lasts() or not pieces:
            due = time.perf_counter() + self.EVERY_S
            pieces.append(self.wires[0].ask(self.song, piece_of(self.size, self.rng, PIECE))[1])
            smalls.append(self.wires[1].ask(self.small)[1])
            time.sleep(max(0.0, due - time.perf_counter()))
        return pieces, smalls

    def for_seconds(self, seconds):
        end = time.perf_counter() + seconds
        return self.watch(lambda: time.perf_counter() < end)
