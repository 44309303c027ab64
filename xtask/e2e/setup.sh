#!/bin/bash
# Installs what the real-client tests use. Debian 12, as root; does nothing the second time.
set -euo pipefail
packages=(
  desktop-file-utils xdg-utils                              # what opens a daap:// link
  avahi-daemon avahi-utils dbus iproute2 nftables procps tcpdump   # a second host that looks for the share
  ca-certificates curl ffmpeg mpv util-linux
  gcc libc6-dev libdmapsharing-3.0-dev libsoup2.4-dev pkg-config
  pulseaudio pulseaudio-utils                               # a sound card that is none
  openssl supysonic                                         # a Subsonic server of others, and a certificate of nobody's
  libnet-daap-dmap-perl libwww-perl perl
  python3 python3-dev python3-pip python3-setuptools python3-venv
)
command -v npm >/dev/null || packages+=(nodejs npm)       # a newer Node.js than Debian's serves as well
missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then
  echo "setup: all ${#packages[@]} packages are there"
  exit 0
fi

# A package must not start its service: avahi-daemon would speak on the real network.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
  printf '#!/bin/sh\nexit 101\n' >$policy
  chmod +x $policy
  trap 'rm -f $policy' EXIT
fi
log=$(mktemp)
export DEBIAN_FRONTEND=noninteractive
if ! { apt-get update -q && apt-get install -y -q --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
  tail -n 20 "$log" >&2
  exit 1
fi
rm -f "$log"
echo "setup: installed ${missing[*]}"
