#!/usr/bin/env python3
"""`dapple remote` controls dapple, and pyatv's fake Apple TV as it is in its source package.

Both pair it first, as a player does that was told the PIN.
"""
import glob
import hashlib
import json
import os
import re
import struct
import subprocess
import sys
import tarfile
import urllib.error
import urllib.request
import wave

import e2e
import foreign_servers

PYATV = "pyatv==0.18.0"
TITLES = ["First", "Second", "Third"]
SECONDS = 60
SOON = 10
KNOWN = "74DEBFCE2ED0E1C0"      # as what the Apple TV announces itself


def fetch_source(folder):
    """The source package of pyatv, unpacked: its tests have the fake devices."""
    done = e2e.run(sys.executable, "-m", "pip", "download", "--quiet", "--no-binary", "pyatv", "--no-deps", "--dest", folder, PYATV)
    if done.returncode:
        raise RuntimeError("pip download %s: %s" % (PYATV, done.stderr[-300:]))
    with tarfile.open(glob.glob(os.path.join(folder, "*.tar.gz"))[0]) as package:
        package.extractall(folder, filter="data")


def make_songs(folder):
    for title in TITLES:
        with wave.open(os.path.join(folder, title + ".wav"), "wb") as song:
            song.setparams((2, 2, 44100, 0, "NONE", ""))
            song.writeframes(bytes(44100 * 4 * SECONDS))


class Remote:
    """`dapple remote` for one player."""

    def __init__(self, checks, host):
        self.checks, self.host = checks, host

    def __call__(self, *verb):
        return e2e.run(e2e.SERVER, "remote", self.host, *verb, env=e2e.environment())

    def does(self, name, *verb):
        """Runs a verb that is to succeed; what it prints."""
        done = self(*verb)
        self.checks.check(done.returncode == 0, name, "exit code %d: %s" % (done.returncode, done.stderr[-300:]))
        return done.stdout.strip()

    def refuses(self, name, code, advice, *verb):
        done = self(*verb)
        self.checks.check(done.returncode == code and advice in done.stderr, name, (done.returncode, done.stderr))

    def status(self):
        done = self("status", "--json")
        return json.loads(done.stdout) if done.returncode == 0 else {}

    def shows(self, name, **expected):
        """Waits until the status says all of this."""
        def told():
            status = self.status()
            return all(status.get(key) == value for key, value in expected.items())
        self.checks.check(e2e.wait_for(told, SOON), name, self.status())

    def pair(self, accept):
        """Has it show its PIN, and `accept` it for the player: what that returns."""
        command = [e2e.SERVER, "remote", self.host, "pair", "--no-advertise", "--listen", "127.0.0.1:0", "--timeout", "30"]
        waiting = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=e2e.environment())
        told, pin = "", None
        while "--pair-id" not in told:
            line = waiting.stdout.readline()
            if not line:
                break
            told += line
        pin = re.search(r"PIN (\d{4})", told)
        place = re.search(r"--remote ADDR:(\d+) --pair-id ([0-9A-F]{16})", told)
        accepted = accept(pin.group(1), int(place.group(1)), place.group(2))
        said, complaint = waiting.communicate(timeout=30)
        self.checks.check(waiting.returncode == 0 and "paired with" in said, "paired", said + complaint)
        return accepted


# ------------------------------------------------------------------ dapple

def accepted_by(server):
    def accept(pin, port, pair_id):
        wrong = "%04d" % ((int(pin) + 1) % 10000)
        options = ["--remote", "127.0.0.1:%d" % port, "--pair-id", pair_id, "--server", server.url]
        return [e2e.run(e2e.SERVER, "pair", code, *options, env=e2e.environment()) for code in (wrong, pin)]
    return accept


def control_dapple(checks):
    folder = e2e.fresh("songs")
    make_songs(folder)
    with e2e.Server(folder, options=["--output", "null"]) as server:
        server.scanned(len(TITLES))
        remote = Remote(checks, "127.0.0.1:%d" % server.port)
        remote.shows("dapple-stopped", state="stopped")
        remote.does("dapple-play-all", "play", "/")
        remote.shows("dapple-plays", state="playing", length_ms=SECONDS * 1000)
        first = remote.status()["title"]
        remote.does("dapple-next", "next")
        checks.check(e2e.wait_for(lambda: remote.status().get("title") not in (None, first), SOON), "dapple-next-plays")
        for verb, state in (("pause", "paused"), ("toggle", "playing"), ("pause", "paused"), ("play", "playing")):
            remote.does("dapple-" + verb, verb)
            remote.shows("dapple-%s-is-%s" % (verb, state), state=state)
        remote.does("dapple-play-one", "play", "second")
        remote.shows("dapple-plays-one", state="playing", title="Second")
        remote.does("dapple-pause-here", "pause")
        remote.does("dapple-seek", "seek", "0:30")
        remote.shows("dapple-seeks", position_ms=30000)
        remote.does("dapple-seek-back", "seek", "-10")
        remote.shows("dapple-seeks-back", position_ms=20000)
        settings(checks, remote)
        queue(checks, remote)
        watch(checks, remote)
        speakers = json.loads(remote.does("dapple-speakers", "speakers", "--json"))
        checks.check(len(speakers) == 1 and speakers[0]["on"], "dapple-one-speaker", speakers)
        remote.does("dapple-rate", "rate", "4")
        remote.refuses("dapple-no-picture", 1, "no picture", "artwork", os.path.join(e2e.WORK, "none"))
        remote.does("dapple-stop", "stop")
        remote.shows("dapple-stops", state="stopped")
        wrong, right = remote.pair(accepted_by(server))
        checks.equal("dapple-wrong-pin-refused", wrong.returncode, 2)
        checks.check(right.returncode == 0, "dapple-pin-accepted", right.stdout + right.stderr)
        Remote(checks, "Test share").does("dapple-by-its-name", "status")
        server.check_end(checks)


def settings(checks, remote):
    remote.does("dapple-volume", "volume", "40")
    remote.shows("dapple-volume-set", volume=40)
    remote.does("dapple-volume-less", "volume", "-15")
    checks.equal("dapple-volume-told", remote.does("dapple-volume-ask", "volume"), "25")
    for verb, value, key, told in (("shuffle", "on", "shuffle", True), ("shuffle", "off", "shuffle", False),
                                   ("repeat", "one", "repeat", "one"), ("repeat", "all", "repeat", "all")):
        remote.does("dapple-%s-%s" % (verb, value), verb, value)
        remote.shows("dapple-%s-is-%s" % (verb, value), **{key: told})
        checks.equal("dapple-%s-told" % verb, remote.does("dapple-%s-ask" % verb, verb), value)


def queue(checks, remote):
    titles = lambda: [song["title"] for song in json.loads(remote("queue", "--json").stdout)]
    remote.does("dapple-add", "add", "third")
    remote.does("dapple-add-next", "add", "--next", "first")
    checks.equal("dapple-queue", titles(), ["First", "Third"])
    remote.does("dapple-move", "queue", "move", "1", "2")
    checks.equal("dapple-moved", titles(), ["Third", "First"])
    remote.does("dapple-remove", "queue", "remove", "1")
    checks.equal("dapple-removed", titles(), ["First"])
    remote.does("dapple-play-queued", "queue", "play", "1")
    remote.shows("dapple-plays-queued", title="First")
    remote.refuses("dapple-queue-empty", 1, "", "queue")


def watch(checks, remote):
    """A change is told to who watches."""
    command = [e2e.SERVER, "remote", remote.host, "status", "--watch"]
    watching = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=e2e.environment())
    try:
        watching.stdout.readline()
        remote.does("dapple-pause-watched", "pause")
        states = iter(lambda: watching.stdout.readline().split("\t")[0], "")
        checks.check("paused" in states, "dapple-watch")
    finally:
        watching.kill()
        watching.wait()


# ------------------------------------------------------------------ an Apple TV

def accepted_by_apple_tv(checks):
    """What an Apple TV does with a PIN: asks the Remote, and keeps the guid that it answers."""
    def ask(pin, port, pair_id):
        code = hashlib.md5(pair_id.encode() + pin.encode("utf-16-le")).hexdigest().upper()
        return urllib.request.urlopen("http://127.0.0.1:%d/pair?pairingcode=%s&servicename=%s" % (port, code, KNOWN), timeout=10)

    def accept(pin, port, pair_id):
        try:
            ask("%04d" % ((int(pin) + 1) % 10000), port, pair_id)
            checks.fail("apple-tv-wrong-pin-refused")
        except urllib.error.HTTPError as error:
            checks.equal("apple-tv-wrong-pin-refused", error.code, 404)
        answer = ask(pin, port, pair_id).read()
        guid = answer[answer.index(b"cmpg") + 8:][:8]
        return "0x%016X" % struct.unpack(">Q", guid)
    return accept


def control_apple_tv(checks):
    source = e2e.cached(PYATV + "-source", fetch_source)
    libraries = e2e.cached(PYATV, lambda folder: foreign_servers.pip(folder, PYATV, dependencies=True))
    port = e2e.free_port()
    remote = Remote(checks, "127.0.0.1:%d" % port)
    remote.refuses("nobody-there", 2, "no server answers there", "status")
    guid = remote.pair(accepted_by_apple_tv(checks))
    command = [sys.executable, os.path.join(e2e.HERE, "fake_apple_tv.py"), glob.glob(os.path.join(source, "pyatv-*", ""))[0], str(port), guid]
    os.environ["PYTHONPATH"] = libraries
    with e2e.Program(command, address=("127.0.0.1", port)) as device:
        remote.shows("apple-tv-plays", state="paused", title="Jet", artist="Wings", album="Band on the Run", position_ms=22000, length_ms=49000)
        presses(checks, remote, device)
        for verb, value, key, told in (("shuffle", "on", "shuffle", True), ("repeat", "all", "repeat", "all"), ("seek", "33", "position_ms", 33000)):
            remote.does("apple-tv-" + verb, verb, value)
            remote.shows("apple-tv-%s-set" % verb, **{key: told})
        picture = os.path.join(e2e.WORK, "picture.png")
        remote.does("apple-tv-artwork", "artwork", picture)
        with open(picture, "rb") as file:
            checks.check(file.read().startswith(b"\x89PNG"), "apple-tv-picture")
        remote.refuses("apple-tv-has-no-queue", 2, "has no queue", "queue")
        remote.refuses("apple-tv-has-no-speakers", 2, "has no speakers", "speakers")


def presses(checks, remote, device):
    def pressed():
        return json.load(urllib.request.urlopen(device.url + "/pressed", timeout=10))
    for verb, button in (("play", "play"), ("pause", "pause"), ("toggle", "playpause"), ("stop", "stop"), ("next", "nextitem"),
                         ("previous", "previtem")):
        before = pressed()[1]
        remote.does("apple-tv-" + verb, verb)
        checks.equal("apple-tv-pressed-" + verb, pressed(), [button, before + 1])
    for button, event in (("menu", "menu"), ("select", "select"), ("up", "touchUp&time=6&point=20,250")):
        remote.does("apple-tv-press-" + button, "press", button)
        checks.equal("apple-tv-pressed-" + button, pressed()[0], event)


if __name__ == "__main__":
    CHECKS = e2e.Checks()
    with CHECKS.step("dapple"):
        control_dapple(CHECKS)
    with CHECKS.step("apple-tv"):
        control_apple_tv(CHECKS)
    CHECKS.finish()
