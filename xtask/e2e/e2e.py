"""What the real-client tests share: checks, and a `dapple serve` of one's own.

Standard library only. `cargo xtask e2e` sets

  DAPPLE  the dapple binary
  E2E_WORK    an empty folder for this test
  E2E_CACHE   a folder that lives from run to run, for what is costly to make or fetch

and with E2E_EXAMPLES, a folder of built examples, none are built.
"""
import contextlib
import http.client
import json
import os
import queue
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback

import daap

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
SERVER = os.environ.get("DAPPLE", "dapple")
EXAMPLES = os.environ.get("E2E_EXAMPLES")
WORK = os.environ.get("E2E_WORK", "/tmp/dapple-e2e/work")
CACHE = os.environ.get("E2E_CACHE", "/tmp/dapple-e2e/cache")

START_S = 20        # a server listens within
STOP_S = 10         # and is gone within: streams get five seconds


class Checks:
    """Prints `ok NAME …`, `FAIL NAME …`, and at the end how many of each."""

    def __init__(self):
        self.passed = self.failed = 0

    def ok(self, name, detail=""):
        self.passed += 1
        print(("ok %s %s" % (name, detail)).rstrip(), flush=True)
        return True

    def fail(self, name, detail=""):
        self.failed += 1
        print(("FAIL %s %s" % (name, detail)).rstrip(), flush=True)
        return False

    def check(self, good, name, detail=""):
        return self.ok(name, detail) if good else self.fail(name, detail)

    def equal(self, name, got, want):
        if got == want:
            return self.ok(name, short(got))
        return self.fail(name, "got %s, expected %s" % (short(got), short(want)))

    @contextlib.contextmanager
    def step(self, name):
        """A part of a test: an exception in it is one FAIL and the test goes on."""
        try:
            yield
        except Exception as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            self.fail(name, "%s: %s [line %d]" % (type(error).__name__, error, where.lineno))

    def lines_of(self, process):
        """Takes over the ok and FAIL lines of a child, and its failure to print any."""
        seen = 0
        for line in process.stdout.splitlines():
            if line.startswith(("ok ", "FAIL ")):
                seen += 1
                (self.ok if line.startswith("ok ") else self.fail)(line.split(" ", 1)[1])
        if not seen or (process.returncode and not self.failed):
            self.fail("child", "exit code %d: %s" % (process.returncode, (process.stderr or process.stdout)[-300:]))

    def finish(self):
        print("%d passed, %d failed" % (self.passed, self.failed), flush=True)
        sys.exit(1 if self.failed or not self.passed else 0)


def short(value, limit=120):
    text = repr(value)
    return text if len(text) <= limit else text[:limit] + "…"


def wait_for(condition, seconds, every=0.05):
    """Asks until `condition()` is true; its last answer."""
    end = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer or time.monotonic() > end:
            return answer
        time.sleep(every)


def run(*command, **options):
    """A child process that ends, its output as text."""
    options.setdefault("timeout", 120)
    return subprocess.run([str(part) for part in command], stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)


# ------------------------------------------------------------------ servers

class Program:
    """A program that serves, once it has printed where it listens, or can be reached at the address it was given."""

    def __init__(self, command, log=None, address=None, stdin=subprocess.DEVNULL):
        os.makedirs(WORK, exist_ok=True)
        self.log = log or os.path.join(WORK, "server-%d.log" % time.monotonic_ns())
        with open(self.log, "wb") as log_file:
            self.process = subprocess.Popen(command, stdin=stdin, stdout=subprocess.PIPE, stderr=log_file, env=environment())
        self.output = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        if address:
            (self.host, self.port), self.name = address, None
            wait_for(lambda: self.process.poll() is not None or can_connect(address), START_S)
        else:
            self._listens()
        self.url = "http://%s:%d" % (self.host, self.port)

    def _listens(self):
        said, heard = [], None
        while not heard and None not in said:
            said.append(self.line(START_S))
            heard = re.match(r"listening on http://(\S+):(\d+) \((.*)\)$", said[-1] or "")
        if not heard:
            self.kill()
            raise RuntimeError("no listening line but %r: %s" % (said, self.log_text()[-400:]))
        self.host, self.port, self.name = heard.group(1), int(heard.group(2)), heard.group(3)

    def line(self, seconds):
        """The next line it prints; None if there is none in time."""
        try:
            return self.output.get(timeout=seconds)
        except queue.Empty:
            return None

    def _read(self):
        for line in self.process.stdout:
            self.output.put(line.decode("utf-8", "replace").rstrip("\n"))
        self.output.put(None)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def log_text(self):
        with open(self.log, encoding="utf-8", errors="replace") as f:
            return f.read()

    def client(self, **options):
        return daap.Client(self.url, **options)

    def kill(self):
        """kill -9."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def stop(self):
        """Asks it to end; its exit code, None if it did not end in time."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.kill()
            return None

    def check_end(self, checks, name="server"):
        """Ends it and checks that it lived and ended well."""
        alive = self.process.poll()
        checks.check(alive is None, name + "-lives", "" if alive is None else "exit code %s" % alive)
        checks.equal(name + "-ends", self.stop(), 0)
        panics = [line for line in self.log_text().splitlines() if "panicked" in line]
        checks.check(not panics, name + "-no-panic", "; ".join(panics[:3]))


class Server(Program):
    """`dapple serve` on a free port of 127.0.0.1, announced nowhere."""

    def __init__(self, *folders, data=None, password=None, options=(), wrap=(), log=None):
        self.data = data or os.path.join(WORK, "data")
        command = [*wrap, SERVER, "serve", *folders, "--listen", "127.0.0.1:0", "--name", "Test share",
                   "--data", self.data, "--no-advertise", *options]
        if password is not None:
            command += ["--password", password]
        super().__init__(command, log)

    def status(self):
        """The answer of /api/v1/status."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=10)
        try:
            connection.request("GET", "/api/v1/status")
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()

    def songs(self):
        return sum(database["items"] for database in self.status()["databases"])

    def scanned(self, songs=1, seconds=120):
        """Waits until the scan is at rest with at least so many songs listed; how many there are."""
        def rests():
            status = self.status()
            count = sum(database["items"] for database in status["databases"])
            return count >= songs and status["scan"]["state"] == "idle"
        wait_for(rests, seconds)
        return self.songs()


class Example(Program):
    """An example of the crate `daap`, on a free port of 127.0.0.1."""

    def __init__(self, name, *arguments):
        super().__init__([example(name), "127.0.0.1:0", *(str(argument) for argument in arguments)])


def example(name, crate="daap"):
    """The release build of an example of a crate."""
    if EXAMPLES:
        return os.path.join(EXAMPLES, name)
    target = os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target"))
    built = run("cargo", "build", "--release", "--locked", "--quiet", "--package", crate, "--example", name, cwd=ROOT, timeout=900)
    if built.returncode:
        raise RuntimeError("example %s does not build: %s" % (name, built.stderr[-600:]))
    return os.path.join(target, "release", "examples", name)


def free_port():
    with socket.socket() as any_port:
        any_port.bind(("127.0.0.1", 0))
        return any_port.getsockname()[1]


def can_connect(address):
    try:
        socket.create_connection(address, timeout=1).close()
        return True
    except OSError:
        return False


def environment():
    """The environment without what steers dapple, and with no configuration of the user's."""
    env = {key: value for key, value in os.environ.items()
           if not key.startswith("DAPPLE_") and key != "RUST_LOG"}
    env["XDG_CONFIG_HOME"] = os.path.join(WORK, "no-config")
    env["XDG_DATA_HOME"] = os.path.join(WORK, "no-data")
    return env


def fresh(name):
    """An empty folder of this test."""
    path = os.path.join(WORK, name)
    shutil.rmtree(path, ignore_errors=True)
    os.makedirs(path)
    return path


def cached(name, make):
    """A folder in the cache, made by `make(path)` the first time it is wanted."""
    path = os.path.join(CACHE, name)
    if not os.path.exists(path + ".done"):
        shutil.rmtree(path, ignore_errors=True)
        os.makedirs(CACHE, exist_ok=True)
        make(path)
        with open(path + ".done", "w"):
            pass
    return path


def generated(count, *options):
    """A generated library of `count` songs and its manifest."""
    name = "-".join(["library", str(count)] + [option.strip("-") for option in options])

    def make(path):
        made = run(sys.executable, os.path.join(HERE, "gen_library.py"), count, path, *options, timeout=600)
        if made.returncode:
            raise RuntimeError("gen_library.py: " + made.stderr[-300:])
    path = cached(name, make)
    with open(path + ".manifest.json", encoding="utf-8") as f:
        return path, json.load(f)
