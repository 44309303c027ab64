"""`dapple` as the client: its commands run to their end, what they print and what they leave behind."""
import hashlib
import json
import os
import re
import signal
import subprocess
import threading
import urllib.parse

import e2e

TIMEOUT_S = 120
RUST = re.compile(r"panicked|Os \{|Error\(|unwrap")


def dapple(*arguments, timeout=TIMEOUT_S, **environment):
    """A command that ends: its exit code, what it printed and what it complained of."""
    done = e2e.run(e2e.SERVER, *arguments, timeout=timeout, env=dict(e2e.environment(), **environment))
    if RUST.search(done.stderr):
        raise RuntimeError("complains in Rust: %s" % done.stderr[-300:])
    return done


def listed(url, *options, **environment):
    """What `ls --json` lists; [] if it finds nothing."""
    done = dapple("ls", url, "--json", *options, **environment)
    if done.returncode not in (0, 1):
        raise RuntimeError("ls %s: exit code %d: %s" % (" ".join(options), done.returncode, done.stderr.strip()[-300:]))
    rows = json.loads(done.stdout)
    if (done.returncode == 1) != (rows == []):
        raise RuntimeError("ls %s: exit code %d with %d entries" % (" ".join(options), done.returncode, len(rows)))
    return rows


def addresses(playlist):
    """What an M3U names: (seconds, title, address) of each entry."""
    lines = playlist.splitlines()
    if lines[:1] != ["#EXTM3U"]:
        raise RuntimeError("no M3U: %r" % playlist[:80])
    entries = []
    for told, address in zip(lines[1::2], lines[2::2]):
        seconds, title = re.fullmatch(r"#EXTINF:(-?\d+),(.*)", told).groups()
        entries.append((int(seconds), title, address))
    return entries


class Watch:
    """`dapple watch --json`, until it is interrupted."""

    def __init__(self, url, *options):
        self.process = subprocess.Popen([e2e.SERVER, "watch", url, "--json", *options], stdin=subprocess.DEVNULL, text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=e2e.environment())
        self.events, self.told = [], []
        for stream, take in ((self.process.stdout, lambda line: self.events.append(json.loads(line))),
                             (self.process.stderr, self.told.append)):
            threading.Thread(target=self._read, args=(stream, take), daemon=True).start()

    def _read(self, stream, take):
        for line in stream:
            take(line.rstrip("\n"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def heard(self, **event):
        """Whether such an event was told."""
        return any(event.items() <= told.items() for told in self.events)

    def interrupt(self):
        """Ctrl-C; its exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(e2e.STOP_S)


def files(folder):
    """Every file below a folder by its path from there, and its digest."""
    found = {}
    for path, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(path, name), "rb") as f:
                found[os.path.relpath(os.path.join(path, name), folder)] = digest(f.read())
    return found


def digest(content):
    return hashlib.sha256(content).hexdigest()


def quoted(name):
    """A name as a part of a URL."""
    return urllib.parse.quote(name, safe="")
