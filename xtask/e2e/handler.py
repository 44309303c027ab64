#!/usr/bin/env python3
"""`dapple install-handler`: the desktop's own tools take its entry for valid and for the one that opens daap:// links; what
it runs lists the share; and all of it can be taken back."""
import os
import shlex

import client
import e2e

TYPE = "x-scheme-handler/daap"


def unescaped(value):
    """A text of a desktop entry."""
    return value.replace("\\\\", "\\").replace("%%", "%")


def main():
    checks = e2e.Checks()
    home = e2e.fresh("home")
    desktop = {"HOME": home, "XDG_DATA_HOME": os.path.join(home, "data"), "XDG_CONFIG_HOME": os.path.join(home, "config"),
               "XDG_CURRENT_DESKTOP": "X-Generic"}
    everything = dict(os.environ, **desktop)
    entry = os.path.join(home, "data", "applications", "dapple.desktop")
    opens = lambda: e2e.run("xdg-mime", "query", "default", TYPE, env=everything).stdout.strip()

    installed = client.dapple("install-handler", **desktop)
    checks.equal("installs", installed.returncode, 0)
    valid = e2e.run("desktop-file-validate", entry)
    checks.check(valid.returncode == 0 and not valid.stdout, "entry-is-valid", valid.stdout)
    checks.equal("opens-links", opens(), "dapple.desktop")
    with open(entry, encoding="utf-8") as f:
        command = next(line[5:].strip() for line in f if line.startswith("Exec="))
    again = client.dapple("install-handler", **desktop)
    checks.check("wrote" not in again.stdout, "again-changes-nothing", again.stdout)

    folder, manifest = e2e.generated(1000)
    with e2e.Server(folder) as server:
        server.scanned(1000)
        url = "daap://127.0.0.1:%d/artists/%s" % (server.port, client.quoted(manifest["tracks"][0]["artist"]))
        words = [url if word == "%u" else word for word in shlex.split(unescaped(command))]
        listed = e2e.run(*words, env=dict(e2e.environment(), **desktop))
        checks.check(listed.returncode == 0 and manifest["tracks"][0]["title"] in listed.stdout, "a-link-lists-the-share",
                     listed.stderr)

    checks.equal("removes", client.dapple("install-handler", "--remove", **desktop).returncode, 0)
    checks.equal("opens-links-no-more", opens(), "")
    checks.equal("nothing-is-left-to-remove", client.dapple("install-handler", "--remove", **desktop).returncode, 1)
    checks.finish()


if __name__ == "__main__":
    main()
