#!/usr/bin/env python3
"""What keeps a server from starting ends it with exit code 2 and a sentence that says what to do."""
import os
import shutil
import socket
import stat

import e2e
import own_tracks

NOBODY = 65534


def fails(checks, name, arguments, says, wrap=(), env=None):
    """`dapple serve` with these arguments ends with 2, names all of `says` and no Rust."""
    with checks.step(name):
        command = [*wrap, e2e.SERVER, "serve", "--no-advertise", *arguments]
        done = e2e.run(*command, timeout=20, env=dict(e2e.environment(), **(env or {})))
        text = done.stderr
        missing = [word for word in says if word.lower() not in text.lower()]
        rust = [word for word in ("panicked", "Os {", "Error(", "unwrap") if word in text]
        good = done.returncode == 2 and not missing and not rust
        checks.check(good, name, "exit code %d, %s: %s" % (done.returncode, missing + rust, text.strip().replace("\n", " | ")[:300]))


def as_nobody(folder):
    """A copy of the server that nobody may run, and how to run as nobody (root may write anywhere)."""
    os.chmod(e2e.WORK, 0o755)
    server = shutil.copy(e2e.SERVER, os.path.join(folder, "dapple"))
    os.chmod(server, 0o755)
    return server, ["setpriv", "--reuid=%d" % NOBODY, "--regid=%d" % NOBODY, "--clear-groups"]


def read_only(checks, music):
    """A data folder that the user may read and not write."""
    folder = e2e.fresh("nobody")
    os.chmod(folder, 0o755)
    data = os.path.join(folder, "data")
    os.mkdir(data)
    os.chmod(data, stat.S_IRUSR | stat.S_IXUSR | stat.S_IRGRP | stat.S_IXGRP | stat.S_IROTH | stat.S_IXOTH)
    wrap = []
    if os.geteuid() == 0:
        e2e.SERVER, wrap = as_nobody(folder)
    fails(checks, "data-folder-read-only", [music, "--listen", "127.0.0.1:0", "--data", data], [data, "another data folder"], wrap)


def main():
    checks = e2e.Checks()
    music = e2e.fresh("music")
    own_tracks.tone(os.path.join(music, "a.mp3"), dict(title="A"))
    here = ["--listen", "127.0.0.1:0"]

    def data(name):
        return ["--data", os.path.join(e2e.WORK, name)]

    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = "127.0.0.1:%d" % taken.getsockname()[1]
        fails(checks, "port-taken", [music, "--listen", address, *data("port")], [address, "--listen"])
    nowhere = os.path.join(e2e.WORK, "no such folder")
    fails(checks, "folder-missing", [nowhere, *here, *data("missing")], [nowhere])
    fails(checks, "folder-is-a-file", [os.path.join(music, "a.mp3"), *here, *data("file")], ["a.mp3"])
    with e2e.Server(music, data=os.path.join(e2e.WORK, "shared")) as server:
        fails(checks, "data-folder-in-use", [music, *here, *data("shared")], [os.path.join(e2e.WORK, "shared"), "another data folder"])
        checks.check(server.scanned(1) == 1, "the-first-server-goes-on")
        server.check_end(checks)
    garbage = e2e.fresh("garbage")
    with e2e.Server(music, data=garbage) as server:
        server.scanned(1)
        server.stop()
    broken = [name for name in os.listdir(garbage) if name.endswith(".db")]
    checks.equal("one-database-file", len(broken), 1)
    for name in broken:
        for rest in os.listdir(garbage):
            if rest.startswith(name):
                with open(os.path.join(garbage, rest), "wb") as f:
                    f.write(b"not a database\n" * 1000)
        fails(checks, "database-is-garbage", [music, *here, "--data", garbage], [os.path.join(garbage, name)])
        with open(os.path.join(garbage, name), "rb") as f:
            checks.check(f.read(14) == b"not a database", "a-broken-database-is-left-as-it-is")
    config = os.path.join(e2e.WORK, "config.toml")
    with open(config, "w") as f:
        f.write('name = "x"\n\npasword = "y"\n')
    fails(checks, "unknown-key-in-the-file", [music, *here, *data("config"), "--config", config], [config, "pasword", "password", "3"])
    fails(checks, "unknown-option", [music, *here, *data("option"), "--pasword", "x"], ["--pasword", "--password"])
    fails(checks, "bad-address", [music, "--listen", "nonsense", *data("address")], ["nonsense"])
    fails(checks, "bad-environment", [music, *data("environment")], ["nonsense"], env={"DAPPLE_LISTEN": "nonsense"})
    read_only(checks, music)
    checks.finish()


main()
