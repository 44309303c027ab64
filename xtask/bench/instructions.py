#!/usr/bin/env python3
"""Instructions of the hot paths, counted by valgrind: what a busy machine does not blur."""
import os
import re
import subprocess
import sys

import stage
from stage import figure, missing

SONGS = 2000
PATHS = {               # name: (times, what of, per how many)
    "encode": (10, "a song", SONGS),
    "album": (100, "a query", 1),
    "parse": (100, "a request", 1),
    "commit": (100, "a change", 1),
}
LONGEST_S = 300


def count(name, times):
    """Instructions of a whole run of the program."""
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
               os.path.join(os.environ["BENCH_PROGRAMS"], "hot_path"), name, str(SONGS), str(times)]
    said = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST_S)
    collected = re.search(r"Collected : (\d+)", said.stderr)
    if said.returncode or not collected:
        sys.exit("%s: %s" % (name, said.stderr[-500:]))
    return int(collected.group(1))


def main():
    for name, (times, what, per) in PATHS.items():
        if stage.program("valgrind"):
            figure("instructions." + name, "instructions " + what, [(count(name, times) - count(name, 0)) / times / per])
        else:
            missing("instructions." + name, "needs valgrind")


main()
