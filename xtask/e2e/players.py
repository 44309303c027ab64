#!/usr/bin/env python3
"""mpv and ffprobe play what `dapple ls --m3u` prints, to the end: FLAC, MP3, M4A and Ogg, with a password and without."""
import json
import os
import subprocess

import client
import e2e
import own_tracks

PASSWORD = "g:heim &?ü"
TOLERANCE_S = 0.15
SAMPLES_S = 44100
FRAME = 4               # bytes of a sample of both channels
PLAYED = os.path.join(e2e.HERE, "players.lua")


def mpv(playlist, sound):
    """Plays a playlist as fast as it goes into a file of samples. What mpv says of each entry: (why it ended, seconds)."""
    samples = ["--ao=pcm", "--ao-pcm-waveheader=no", "--ao-pcm-file=" + sound, "--untimed", "--gapless-audio=yes", "--audio-format=s16",
               "--audio-samplerate=%d" % SAMPLES_S, "--audio-channels=stereo"]
    command = ["mpv", "--no-config", "--no-video", "--vo=null", *samples, "--really-quiet", "--script=" + PLAYED, "--playlist=-"]
    done = subprocess.run(command, input=playlist, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60,
                          env=e2e.environment())
    lines = [line.split("\t") for line in done.stdout.splitlines() if line.startswith("played\t")]
    return done.returncode, [(why, float(seconds)) for _, why, seconds in lines]


def ffprobe(address):
    """(format, seconds) of what is at an address."""
    done = e2e.run("ffprobe", "-v", "error", "-show_entries", "format=format_name,duration", "-of", "json", address, timeout=30)
    told = json.loads(done.stdout)["format"]
    return told["format_name"], float(told["duration"])


def check_playlist(checks, name, playlist, songs):
    entries = client.addresses(playlist)
    checks.equal(name + "-entries", len(entries), len(songs))
    by_title = {song["title"]: song for song in songs}
    lengths = []
    for seconds, told, address in entries:
        with checks.step(name + " " + told):
            song = by_title[told.partition(" - ")[2]]
            lengths.append(song["ms"] / 1000)
            checks.check(abs(seconds - lengths[-1]) <= 1, name + "-told %r" % told, seconds)
            form, probed = ffprobe(address)
            good = song["format"] in form and abs(probed - lengths[-1]) < TOLERANCE_S
            checks.check(good, name + "-ffprobe %r" % told, "%s, %.2f s" % (form, probed))
    sound = os.path.join(e2e.WORK, "sound.pcm")
    code, played = mpv(playlist, sound)
    checks.check(code == 0 and [why for why, _ in played] == ["eof"] * len(songs), name + "-mpv", (code, played))
    for (_, seconds), length in zip(played, lengths):
        checks.check(abs(seconds - length) < TOLERANCE_S, name + "-mpv-length", seconds)
    # All of each was decoded, if all of all was.
    decoded = os.path.getsize(sound) / FRAME / SAMPLES_S
    checks.check(abs(decoded - sum(lengths)) < TOLERANCE_S * len(songs), name + "-mpv-decoded",
                 "%.2f s of %.2f s" % (decoded, sum(lengths)))


def main():
    checks = e2e.Checks()
    folder = e2e.cached("own", own_tracks.make)
    with open(folder + ".manifest.json", encoding="utf-8") as f:
        songs = json.load(f)["tracks"]
    for name, password in (("open", None), ("password", PASSWORD)):
        with checks.step(name), e2e.Server(folder, data=os.path.join(e2e.WORK, "data-" + name), password=password) as server:
            server.scanned(len(songs))
            given = [] if password is None else ["--password", password]
            done = client.dapple("ls", server.url, "--m3u", *given)
            check_playlist(checks, name, done.stdout, songs)
            album = client.dapple("ls", server.url + "/search/first%20light", "--m3u", *given)
            check_playlist(checks, name + "-search", album.stdout, [song for song in songs if song["title"] == "First Light"])
            server.check_end(checks, name)
    checks.finish()


main()
