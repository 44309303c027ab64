#!/usr/bin/env python3
"""The sound card: `dapple play` gives a PulseAudio server of our own, which has a card that is none, exactly what is in the
song; says so when the server goes in mid-song; and says what to do when there is none."""
import json
import os
import random
import signal
import struct
import subprocess
import wave

import e2e

RATE = 44_100
SECONDS = 3
# The card sounds what it had before a stream begins: what is recorded of that moment is lost now and then.
SILENCE_S = 0.4


class Pulse:
    """A PulseAudio server with a null sink, on a socket of its own."""

    def __init__(self):
        self.folder = e2e.fresh("pulse")
        self.socket = os.path.join(self.folder, "native")
        self.environment = dict(e2e.environment(), HOME=self.folder, XDG_RUNTIME_DIR=self.folder,
                                PULSE_RUNTIME_PATH=self.folder, PULSE_SERVER="unix:" + self.socket)
        self.environment.pop("DBUS_SESSION_BUS_ADDRESS", None)
        self.log = open(os.path.join(self.folder, "log"), "wb")
        self.process = subprocess.Popen(
            ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no", "--disable-shm=yes", "--realtime=no",
             "-L", "module-null-sink sink_name=card rate=%d format=s16le channels=2" % RATE,
             "-L", "module-native-protocol-unix auth-anonymous=1 socket=" + self.socket],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, env=self.environment)
        if not e2e.wait_for(lambda: os.path.exists(self.socket), 10):
            raise RuntimeError("pulseaudio does not start")

    def record(self, path):
        """Records what the card sounds, from when it returns."""
        with open(path, "wb") as out:
            process = subprocess.Popen(
                ["parec", "--device=card.monitor", "--format=s16le", "--rate=%d" % RATE, "--channels=2", "--latency-msec=20"],
                stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.DEVNULL, env=self.environment)
        e2e.wait_for(lambda: os.path.getsize(path), 10)
        return process

    def play(self, server, *options):
        return subprocess.Popen([e2e.SERVER, "play", "%s:%d" % (server.host, server.port), *options], stdin=subprocess.DEVNULL,
                                text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.environment)

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.log.close()


def song(music):
    """A song of noise, in which every sample is like no other; its PCM."""
    chance = random.Random(7)
    frames = b"".join(struct.pack("<hh", chance.randint(1, 30_000), chance.randint(-30_000, -1))
                      for _ in range(int(RATE * (SECONDS - SILENCE_S))))
    frames = bytes(int(RATE * SILENCE_S) * 4) + frames
    with wave.open(os.path.join(music, "noise.wav"), "wb") as out:
        out.setnchannels(2)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(frames)
    return frames


def sounds(checks, pulse, server, frames):
    recorded = os.path.join(e2e.WORK, "recorded.pcm")
    recorder = pulse.record(recorded)
    _, complained = (player := pulse.play(server)).communicate(timeout=30)
    checks.equal("play-ends", (player.returncode, complained), (0, ""))
    noise = frames.lstrip(b"\0")
    e2e.wait_for(lambda: noise[-64:] in open(recorded, "rb").read(), 10)
    recorder.terminate()
    recorder.wait()
    with open(recorded, "rb") as f:
        heard = f.read()
    heard = heard[heard.index(noise[:4]):heard.index(noise[-64:]) + 64]
    # A server that has to wait for its turn on a busy machine leaves gaps; no sample of a song is silent in both channels.
    samples = b"".join(frame for frame in (heard[at:at + 4] for at in range(0, len(heard), 4)) if frame != bytes(4))
    checks.check(samples == noise, "the-card-gets-what-is-in-the-song",
                 "%d samples, %d ms of gaps" % (len(noise) // 4, (len(heard) - len(noise)) * 1000 // 4 // RATE))


def goes(checks, pulse, server):
    player = pulse.play(server, "--json")
    # What is told between two looks of the player at the card is a guess, of a quarter of a second at most.
    heard = next((event for event in map(json.loads, player.stdout) if event.get("position_s", 0) > 0.5), None)
    checks.check(heard, "play-begins", heard)
    pulse.end()
    told = player.stderr.readline()
    checks.check("local does not work" in told, "a-lost-server-is-told", told.strip())
    player.send_signal(signal.SIGINT)
    checks.equal("play-is-stopped", player.wait(10), 0)


def main():
    checks = e2e.Checks()
    music = e2e.fresh("music")
    frames = song(music)
    pulse = Pulse()
    with e2e.Server(music) as server:
        server.scanned(1)
        with checks.step("sounds"):
            sounds(checks, pulse, server, frames)
        with checks.step("goes"):
            goes(checks, pulse, server)
        with checks.step("none"):
            _, complained = (player := pulse.play(server)).communicate(timeout=30)
            checks.equal("no-server-is-a-failure", player.returncode, 2)
            checks.check("nothing can be heard" in complained and "sound server" in complained, "and-is-told", complained.strip())
        server.check_end(checks)
    pulse.end()
    checks.finish()


main()
