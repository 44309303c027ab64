#!/usr/bin/env python3
"""pyatv as an iPhone's Remote: what it does is seen in what it reads back, and heard in what the `file:` output gets.

    remote_pyatv.py install                     fetches pyatv from PyPI
    remote_pyatv.py NETNS ADDRESS MY-ADDRESS    the server's namespace and address, and our own

The songs say themselves which they are: all samples of the left channel have one value, which tells the volume, and
those of the right a part of it, which tells the song and the second.
"""
import array
import asyncio
import contextlib
import functools
import logging
import os
import subprocess
import sys

import e2e
import foreign_servers

PYATV = "pyatv==0.18.0"
LIBRARIES = e2e.cached(PYATV, lambda folder: foreign_servers.pip(folder, PYATV, dependencies=True))
sys.path.append(LIBRARIES)

import pyatv  # noqa: E402
from pyatv.const import DeviceState, FeatureName, FeatureState, Protocol, RepeatState, ShuffleState  # noqa: E402
from pyatv.exceptions import AuthenticationError  # noqa: E402
from pyatv.interface import PushListener  # noqa: E402
from zeroconf import IPVersion, Zeroconf  # noqa: E402

logging.getLogger("pyatv").setLevel(logging.CRITICAL)

RATE = 44100
LEFT = 16000
SONGS = 8
SECONDS = 20
CODES = SONGS * SECONDS
TITLES = ["Song %d" % (number + 1) for number in range(SONGS)]
ARTIST, ALBUM = "The Constants", "Levels"
NAME, PHONE = "Jo's Music", "Jo's phone"
SOON = 8    # seconds within which what is asked for is to happen
STILL = 0.7  # seconds in which nothing more comes from a player that does not play


# ------------------------------------------------------------------ songs

def make_songs(folder):
    os.makedirs(folder)
    cover = os.path.join(folder, "cover.jpg")
    ffmpeg("-f", "lavfi", "-i", "testsrc=size=600x600:rate=1", "-frames:v", "1", cover)
    for number, title in enumerate(TITLES):
        sound = array.array("h")
        for second in range(SECONDS):
            code = number * SECONDS + second + 1
            sound.extend(array.array("h", [LEFT, round(LEFT * code / CODES)]) * RATE)
        tags = {"title": title, "artist": ARTIST, "album": ALBUM, "track": number + 1}
        texts = [part for tag in tags.items() for part in ("-metadata", "%s=%s" % tag)]
        ffmpeg("-f", "s16le", "-ar", str(RATE), "-ac", "2", "-i", "-", *texts, os.path.join(folder, title + ".flac"),
               input=sound.tobytes())


def ffmpeg(*arguments, **options):
    subprocess.run(["ffmpeg", "-v", "error", "-y", *arguments], check=True, timeout=60, **options)


class Heard:
    """What the output has been given so far; its end is what is heard now."""

    def __init__(self, path):
        self.path = path

    def size(self):
        return os.path.getsize(self.path) if os.path.exists(self.path) else 0

    def frame(self):
        """The last frame."""
        whole = self.size() // 4 * 4
        if not whole:
            return 0, 0
        with open(self.path, "rb") as f:
            f.seek(whole - 4)
            return array.array("h", f.read(4))

    def code(self):
        left, right = self.frame()
        return round(right / left * CODES) - 1 if left else None

    def song(self):
        code = self.code()
        return None if code is None else code // SECONDS

    def second(self):
        code = self.code()
        return None if code is None else code % SECONDS

    def volume(self):
        """From 0 to 1."""
        return self.frame()[0] / LEFT


# ------------------------------------------------------------------ pyatv

class Pushed(PushListener):
    """What pyatv is told without asking."""

    def __init__(self):
        self.latest, self.count, self.errors = None, 0, []

    def playstatus_update(self, updater, playstatus):
        self.latest = playstatus
        self.count += 1

    def playstatus_error(self, updater, exception):
        self.errors.append(exception)


async def until(condition, seconds=SOON):
    """Whether it becomes true in time. What raises is not true yet."""
    end = asyncio.get_running_loop().time() + seconds
    while True:
        with contextlib.suppress(OSError, IndexError):
            if condition():
                return True
        if asyncio.get_running_loop().time() > end:
            return False
        await asyncio.sleep(0.03)


class Remote:
    """The whole story, of which each step leaves the player to the next."""

    def __init__(self, checks, netns, address, own):
        self.checks, self.netns, self.address, self.own = checks, netns, address, own
        self.music = e2e.cached("constants", make_songs)
        self.heard = Heard(os.path.join(e2e.fresh("out"), "pcm"))
        self.data = e2e.fresh("data")
        self.guid = self.atv = self.pushed = self.size_before = None

    def server(self):
        return e2e.Program([*self.there, e2e.SERVER, "serve", self.music, "--name", NAME, "--data", self.data, "--listen",
                            "0.0.0.0:3689", "--output", "file:" + self.heard.path])

    @property
    def there(self):
        return ["ip", "netns", "exec", self.netns]

    async def dapple(self, *arguments):
        """A command on the server's machine, while we go on answering."""
        command = functools.partial(e2e.run, *self.there, e2e.SERVER, *arguments, env=e2e.environment())
        return await asyncio.to_thread(command)

    async def run(self):
        with self.server() as server:
            await self.pair()
            await self.connect()
            for step in (self.starts, self.tells, self.pauses, self.skips, self.seeks, self.turns, self.shuffles, self.repeats):
                with self.checks.step(step.__name__):
                    await step()
            await self.disconnect()
            server.check_end(self.checks, "server")
        with self.server() as server:
            with self.checks.step("after-a-restart"):
                await self.comes_back()
            with self.checks.step("forgotten"):
                await self.is_forgotten()
            server.check_end(self.checks, "server-again")

    # -------------------------------------------------------------- finding each other

    async def pair(self):
        nobody = await self.dapple("pair", "1234")
        self.checks.equal("pair-nobody-asks", nobody.returncode, 1)
        self.guid = "0xA1B2C3D4E5F60718"
        zeroconf = Zeroconf(interfaces=[self.own], ip_version=IPVersion.V4Only)
        handler = await pyatv.pair(self.found(None), Protocol.DMAP, asyncio.get_running_loop(), name=PHONE,
                                   pairing_guid=self.guid, zeroconf=zeroconf, addresses=[self.own])
        handler.pin(427)
        await handler.begin()
        try:
            waiting = await self.waits_at_the_server()
            self.checks.check(waiting and PHONE in waiting, "pair-lists-who-asks", waiting)
            wrong = await self.dapple("pair", "0428")
            refused = wrong.returncode == 2 and not handler.has_paired and "500" in wrong.stdout
            self.checks.check(refused, "pair-wrong-pin", (wrong.returncode, wrong.stdout))
            right = await self.dapple("pair", "0427", "--remote", PHONE)
            paired = right.returncode == 0 and handler.has_paired
            self.checks.check(paired, "pair", (right.returncode, right.stdout, right.stderr))
            await handler.finish()
            self.checks.equal("pair-credentials", handler.service.credentials.lower(), self.guid.lower())
        finally:
            await handler.close()
        listed = await self.dapple("pair")
        self.checks.check("paired\t" + PHONE in listed.stdout, "pair-lists-who-is-paired", listed.stdout)

    async def waits_at_the_server(self):
        for _ in range(30):
            listed = await self.dapple("pair")
            if "waiting" in listed.stdout:
                return listed.stdout
            await asyncio.sleep(0.2)
        return None

    def found(self, guid):
        found = pyatv.conf.AppleTV(self.address, NAME)
        found.add_service(pyatv.conf.ManualService("id", Protocol.DMAP, 3689, {}, credentials=guid))
        return found

    async def connect(self):
        found = await pyatv.scan(asyncio.get_running_loop(), protocol=Protocol.DMAP, timeout=3)
        self.checks.equal("scan-finds-it", [(each.name, str(each.address)) for each in found], [(NAME, self.address)])
        self.checks.check(not await self.logs_in("0xDEADBEEFDEADBEEF"), "who-is-not-paired-stays-out")
        found[0].get_service(Protocol.DMAP).credentials = self.guid
        self.atv = await pyatv.connect(found[0], asyncio.get_running_loop())
        self.pushed = Pushed()
        self.atv.push_updater.listener = self.pushed
        self.atv.push_updater.start()

    async def logs_in(self, guid):
        try:
            atv = await pyatv.connect(self.found(guid), asyncio.get_running_loop())
        except AuthenticationError:
            return False
        await asyncio.gather(*atv.close())
        return True

    async def disconnect(self):
        self.atv.push_updater.stop()
        await asyncio.gather(*self.atv.close())
        self.checks.check(not self.pushed.errors, "no-push-fails", self.pushed.errors[:2])

    # -------------------------------------------------------------- what is seen and heard

    async def both(self, name, seen, heard, seconds=SOON):
        """Pushed to pyatv, read by it, and heard."""
        is_seen = await until(lambda: self.pushed.latest and seen(self.pushed.latest), seconds)
        playing = await self.playing()
        self.checks.check(is_seen and seen(playing), name + "-is-seen", playing_in_short(playing))
        is_heard = await until(heard, seconds)
        size, frame = self.heard.size(), list(self.heard.frame())
        self.checks.check(is_heard, name + "-is-heard", "song %s second %s volume %.3f (%s bytes, last frame %s)" % (
            self.heard.song(), self.heard.second(), self.heard.volume(), size, frame))

    async def falls_silent(self, name, seen):
        await self.both(name, seen, lambda: True)
        size = await self.size_at_rest()
        await asyncio.sleep(STILL)
        self.checks.equal(name + "-is-still", self.heard.size(), size)

    async def size_at_rest(self):
        """Once what was on its way has come."""
        size = None
        for _ in range(40):
            if size == self.heard.size():
                break
            size = self.heard.size()
            await asyncio.sleep(0.25)
        return size

    def grows(self):
        size = self.heard.size()
        return lambda: self.heard.size() > size

    async def playing(self):
        return await self.atv.metadata.playing()

    @property
    def remote(self):
        return self.atv.remote_control

    @property
    def daap(self):
        """pyatv's own session, for what its interface has no word for: to choose songs, and to read the volume."""
        return self.remote.get(Protocol.DMAP).apple_tv.daap

    async def play_album(self):
        await self.daap.get("ctrl-int/1/cue?command=play&query='daap.songalbum:%s'&sort=album&index=0&clear-first=1&[AUTH]"
                            % ALBUM, daap_data=False)

    async def volume(self):
        reply = await self.daap.get("ctrl-int/1/getproperty?properties=dmcp.volume&[AUTH]", daap_data=False)
        return int.from_bytes(reply.split(b"cmvo")[1][4:8], "big")

    # -------------------------------------------------------------- the steps

    async def starts(self):
        await self.play_album()
        await self.both("play", is_playing(0), lambda: self.heard.song() == 0)
        self.checks.equal("full-volume-changes-no-bit", self.heard.frame()[0], LEFT)

    async def tells(self):
        playing = await self.playing()
        told = (playing.title, playing.artist, playing.album, playing.total_time)
        self.checks.equal("title-artist-album-length", told, (TITLES[0], ARTIST, ALBUM, SECONDS))
        await until(lambda: self.heard.second() >= 1)
        position, second = (await self.playing()).position, self.heard.second()
        self.checks.check(abs(position - second) <= 1, "position-is-what-is-heard", (position, second))
        artwork = await self.atv.metadata.artwork(width=128, height=128)
        is_picture = artwork and artwork.bytes[:3] == b"\xff\xd8\xff" or artwork and artwork.bytes[:4] == b"\x89PNG"
        self.checks.check(is_picture, "artwork", artwork and len(artwork.bytes))

    async def pauses(self):
        await self.remote.pause()
        await self.falls_silent("pause", lambda playing: playing.device_state == DeviceState.Paused)
        grows = self.grows()
        await self.remote.play()
        await self.both("play-on", is_playing(0), grows)
        await self.remote.play_pause()
        await self.falls_silent("play-pause", lambda playing: playing.device_state == DeviceState.Paused)
        grows = self.grows()
        await self.remote.play_pause()
        await self.both("play-pause-again", is_playing(0), grows)

    async def skips(self):
        await self.remote.next()
        await self.both("next", is_playing(1), lambda: self.heard.song() == 1)
        await self.remote.next()
        await self.both("next-again", is_playing(2), lambda: self.heard.song() == 2)
        await self.remote.previous()
        await self.both("previous", is_playing(1), lambda: self.heard.song() == 1)

    async def seeks(self):
        await self.remote.set_position(12)
        await self.both("seek", lambda playing: 12 <= playing.position <= 15, lambda: 12 <= self.heard.second() <= 14)
        await self.remote.set_position(3)
        await self.both("seek-back", lambda playing: 3 <= playing.position <= 6, lambda: 3 <= self.heard.second() <= 5)

    async def turns(self):
        feature = self.atv.features.get_feature(FeatureName.VolumeUp)
        self.checks.equal("volume-can-be-changed", feature.state, FeatureState.Available)
        full = self.heard.volume()
        for _ in range(3):
            await self.atv.audio.volume_down()
        turned = await self.volume()
        self.checks.check(turned < 100, "volume-down-is-seen", turned)
        self.checks.check(await until(lambda: 0 < self.heard.volume() < full), "volume-down-is-heard", self.heard.volume())
        await until(self.settled_volume())
        low = self.heard.volume()
        await self.atv.audio.volume_up()
        more = await self.volume()
        self.checks.check(turned < more < 100, "volume-up-is-seen", more)
        self.checks.check(await until(lambda: low < self.heard.volume() < full), "volume-up-is-heard", self.heard.volume())
        await self.daap.post("ctrl-int/1/setproperty?dmcp.volume=100&[AUTH]")
        self.checks.check(await until(lambda: self.heard.volume() == 1), "volume-of-100-is-all", self.heard.volume())

    def settled_volume(self):
        seen = []

        def is_settled():
            seen.append(self.heard.frame()[0])
            return len(seen) >= 10 and len(set(seen[-10:])) == 1
        return is_settled

    async def shuffles(self):
        await self.remote.set_shuffle(ShuffleState.Songs)
        await self.both("shuffle", lambda playing: playing.shuffle == ShuffleState.Songs, lambda: True)
        await self.remote.stop()
        await self.falls_silent("stop", is_stopped)
        grows = self.grows()
        await self.play_album()
        await until(grows)
        order = []
        for _ in range(SONGS):
            await until(lambda: self.heard.song() not in order + [None], 4)
            order.append(self.heard.song())
            await self.remote.next()
        self.checks.equal("shuffle-plays-each-once", sorted(order), list(range(SONGS)))
        self.checks.check(order != sorted(order), "shuffle-is-heard", order)
        await self.falls_silent("end-of-the-queue", is_stopped)
        await self.remote.set_shuffle(ShuffleState.Off)
        await self.both("shuffle-off", lambda playing: playing.shuffle == ShuffleState.Off, lambda: True)

    async def repeats(self):
        await self.play_album()
        await self.both("play-in-order", is_playing(0), lambda: self.heard.song() == 0)
        await self.remote.set_repeat(RepeatState.Track)
        await self.remote.set_position(SECONDS - 1)
        await until(lambda: self.heard.second() == SECONDS - 1)
        await self.both("repeat-one", lambda playing: playing.repeat == RepeatState.Track and playing.title == TITLES[0],
                        lambda: self.heard.song() == 0 and self.heard.second() == 0)
        await self.remote.set_repeat(RepeatState.All)
        for _ in range(SONGS - 1):
            await self.remote.next()
        await self.both("to-the-last", is_playing(SONGS - 1), lambda: self.heard.song() == SONGS - 1)
        await self.remote.next()
        await self.both("repeat-all", lambda playing: playing.repeat == RepeatState.All and playing.title == TITLES[0],
                        lambda: self.heard.song() == 0)
        await self.remote.set_repeat(RepeatState.Off)
        await self.both("repeat-off", lambda playing: playing.repeat == RepeatState.Off, lambda: True)
        await self.remote.next()
        await self.both("and-on", is_playing(1), lambda: self.heard.song() == 1)
        await self.remote.set_position(7)
        await until(lambda: self.heard.second() == 7)
        await self.remote.pause()
        await self.falls_silent("pause-at-the-end", lambda playing: playing.device_state == DeviceState.Paused)
        self.size_before = self.heard.size()

    async def comes_back(self):
        found = self.found(self.guid)
        self.atv = await pyatv.connect(found, asyncio.get_running_loop())
        playing = await self.playing()
        came_back = (playing.device_state, playing.title, playing.position)
        self.checks.check(came_back in [(DeviceState.Paused, TITLES[1], at) for at in (7, 8)], "queue-outlives-a-restart", came_back)
        self.checks.equal("nothing-plays-unasked", self.heard.size(), self.size_before)
        status = await self.dapple("status")
        told = "paused" in status.stdout and PHONE in status.stdout
        self.checks.check(told, "status-tells-of-player-and-remotes", status.stdout)

    async def is_forgotten(self):
        forgotten = await self.dapple("pair", "--forget", PHONE)
        self.checks.equal("forget", forgotten.returncode, 0)
        self.checks.check(not await self.logs_in(self.guid), "who-is-forgotten-stays-out")
        try:
            await self.playing()
            self.checks.fail("a-session-ends-with-it")
        except AuthenticationError:
            self.checks.ok("a-session-ends-with-it")
        await asyncio.gather(*self.atv.close())


def is_playing(number):
    return lambda playing: playing.device_state == DeviceState.Playing and playing.title == TITLES[number]


def is_stopped(playing):
    return playing.device_state in (DeviceState.Stopped, DeviceState.Idle)


def playing_in_short(playing):
    return "%s %r at %s, %s, %s" % (playing.device_state.name, playing.title, playing.position, playing.shuffle.name, playing.repeat.name)


async def main():
    checks = e2e.Checks()
    with checks.step("run"):
        await Remote(checks, *sys.argv[1:]).run()
    checks.finish()


if sys.argv[1:] != ["install"]:
    asyncio.run(main())
