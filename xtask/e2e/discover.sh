#!/bin/bash
# What `dapple discover` finds around music, between two hosts made of network namespaces: host A announces, host B looks.
#
#   xtask/e2e/discover.sh [CASE]...       all cases, or those named
#
# What is announced comes from avahi-publish, in the words of Apple's and others' devices. Prints `ok NAME`, `FAIL NAME`
# or `skip NAME reason` a line, and the count last. Needs root, iproute2, avahi-daemon, avahi-utils, dbus, python3.
#
# Environment: DAPPLE, the binary.
set -u
cd "$(dirname "$0")/../.." || exit 2
. xtask/e2e/hosts.sh
DAPPLE=$(realpath -m "${DAPPLE:-${CARGO_TARGET_DIR:-target}/debug/dapple}")

publish() { # publish NAME TYPE PORT TXT... : host A announces it; the process is $STARTED
  local log
  log=$(mktemp -p "$WORK")
  start "$log" on "$A" avahi-publish-service "$@"
  within 10 grep -q Established "$log" || fail "publish $1: $(cat "$log")"
}
discover() { # discover ARGUMENT... : host B looks; what it prints is in $WORK/found, its exit code in $CODE
  on "$B" "$DAPPLE" discover "$@" >"$WORK/found" 2>"$WORK/complaint"
  CODE=$?
}
is() { # is NAME EXPECTED ACTUAL
  if [ "$2" = "$3" ]; then ok "$1"; else fail "$1: wanted '$2', got '$3'; $(cat "$WORK/complaint")"; fi
}
field() { # field SERVICE PATH : of the one service of that type, as JSON
  python3 - "$WORK/found" "$@" <<'PYTHON'
import json, sys
found = [each for each in json.load(open(sys.argv[1])) if each["service"] == sys.argv[2]]
assert len(found) == 1, f"{len(found)} services of {sys.argv[2]}"
value = found[0]
for key in sys.argv[3].split("."):
    value = value[key]
print(json.dumps(value))
PYTHON
}
lines() { # lines PATTERN COUNT FILE
  [ "$(grep -c -- "$1" "$3")" = "$2" ]
}
has() { # has SERVICE PATH EXPECTED
  is "$1 $2" "$3" "$(field "$1" "$2" 2>&1)"
}

# --- cases ------------------------------------------------------------------------------------------
case_kinds() {
  local published=()
  publish "Jo's music" _daap._tcp 3689 txtvers=1 Password=0 "Machine Name=Jo's music" Version=196620
  published+=("$STARTED")
  publish 74DEBFCE2ED0E1C0 _touch-able._tcp 3689 txtvers=1 DbId=74DEBFCE2ED0E1C0 DvTy=iTunes DvSv=2306 Ver=131073 \
    OSsi=0x1F5 CtlN="Jo's library"
  published+=("$STARTED")
  publish FC8D68FE-A7F2 _touch-remote._tcp 49160 DvNm="Jo's phone" RemV=10000 DvTy=iPhone RemN=Remote txtvers=1 \
    Pair=FAEA410630AEC05E
  published+=("$STARTED")
  publish Jo _home-sharing._tcp 3689 MID=0x1 DvTy=iTunes hG=00000000-0000-0000 "Machine Name=Jo" Version=196620
  published+=("$STARTED")
  publish iTunes_Ctrl_74DEBFCE2ED0E1C0 _dacp._tcp 3689 txtvers=1 Ver=131077 DbId=1 OSsi=0x2012E
  published+=("$STARTED")
  publish 5855CA06BD9E@Kitchen _raop._tcp 5000 sf=0x4 fv=76400.10 am=ShairportSync vs=105.1 tp=TCP,UDP vn=65537 \
    md=0,1,2 ss=16 sr=44100 da=true sv=false et=0,1 ek=1 cn=0,1 ch=2 txtvers=1 pw=true
  published+=("$STARTED")
  publish Kitchen _airplay._tcp 7000 deviceid=58:55:CA:06:BD:9E model=AppleTV3,2 srcvers=220.68 flags=0x8
  published+=("$STARTED")

  discover --all --json
  is exit-code 0 "$CODE"
  has _daap._tcp name "\"Jo's music\""
  has _daap._tcp kind '"share"'
  has _daap._tcp address "\"$HOST_A\""
  has _touch-able._tcp name "\"Jo's library\""
  has _touch-able._tcp about.device_type '"iTunes"'
  has _touch-able._tcp database_id '"74DEBFCE2ED0E1C0"'
  has _touch-remote._tcp name "\"Jo's phone\""
  has _touch-remote._tcp port 49160
  has _touch-remote._tcp about.pair '"FAEA410630AEC05E"'
  has _home-sharing._tcp kind '"server"'
  has _dacp._tcp about.dacp_id '"74DEBFCE2ED0E1C0"'
  has _raop._tcp name '"Kitchen"'
  has _raop._tcp password true
  has _raop._tcp about.codecs '[0, 1]'
  has _raop._tcp about.device_id '"5855CA06BD9E"'
  has _airplay._tcp about.device_id '"5855CA06BD9E"'
  has _airplay._tcp about.code true

  discover
  is shares-only "Jo's music	$HOST_A	3689	no	3.0.12	hosta" "$(cat "$WORK/found")"
  discover --kind remotes
  is remotes-only "Jo's phone	$HOST_A	49160	?	10000	hosta	remote	iPhone, pair FAEA410630AEC05E" "$(cat "$WORK/found")"

  start "$WORK/watch" on "$B" "$DAPPLE" discover --watch --all
  local watching=$STARTED pid
  within 10 lines '^+' 7 "$WORK/watch"
  for pid in "${published[@]}"; do end "$pid"; done
  if within 10 lines '^-' 7 "$WORK/watch"; then ok watch-all-gone; else fail "watch-all-gone $(cat "$WORK/watch")"; fi
  end "$watching"
  discover --all --timeout 1
  is nothing-exit-code 1 "$CODE"
}

case_seen() {
  rm -rf "$XDG_DATA_HOME"
  serve "$A"; local server=$STARTED speaker
  publish 5855CA06BD9E@Kitchen _raop._tcp 5000 am=ShairportSync; speaker=$STARTED
  within 20 shares
  discover --all --json
  discover --seen --all
  is nothing-is-absent "1 " "$CODE $(cat "$WORK/found")"
  end "$speaker"
  discover --seen --kind speakers --json
  is absent-exit-code 0 "$CODE"
  has _raop._tcp name '"Kitchen"'
  has _raop._tcp address "\"$HOST_A\""
  discover --seen
  is shares-are-there 1 "$CODE"

  # The server goes on, but is not announced: it is tried where it was.
  end "$server"
  serve "$A" --no-advertise; server=$STARTED
  within 20 on "$A" bash -c 'exec 3<>/dev/tcp/127.0.0.1/3689'
  discover --seen
  if grep -qE "^Jo's Music	$HOST_A	3689	.* ago	.*	share$" "$WORK/found"; then ok absent-share; else fail "absent-share $(cat "$WORK/found")"; fi
  on "$B" "$DAPPLE" ls "daap://Jo's%20Music/" --fields title >"$WORK/found" 2>"$WORK/complaint"
  is listed-at-its-last-place silence "$(cat "$WORK/found")"
  end "$server"

  echo '{' >"$XDG_DATA_HOME/dapple/seen.json"
  discover --seen
  if [ -e "$XDG_DATA_HOME/dapple/seen.json.broken" ] && grep -q 'seen.json.broken' "$WORK/complaint"; then
    ok broken-file-set-aside
  else fail "broken-file-set-aside $(cat "$WORK/complaint")"; fi
  is broken-file-exit-code 1 "$CODE"
}
case_probe() {
  serve "$A"; local open=$STARTED
  serve "$A" --name Locked --password secret --listen '[::]:3690'; local locked=$STARTED
  publish Nobody _daap._tcp 3691 Password=0; local nobody=$STARTED
  within 20 shares && within 20 on "$A" bash -c 'exec 3<>/dev/tcp/127.0.0.1/3690'
  discover --probe --timeout 5
  is probe-exit-code 0 "$CODE"
  lines "^Jo's Music	$HOST_A	3689	no	[0-9.]*	[^	]*	dapple[^	]*	1	[0-9]* ms$" 1 "$WORK/found" && ok probe-open || fail "probe-open $(cat "$WORK/found")"
  lines "^Locked	$HOST_A	3690	yes	[0-9.]*	[^	]*	dapple[^	]*	?	[0-9]* ms$" 1 "$WORK/found" && ok probe-locked || fail "probe-locked $(cat "$WORK/found")"
  lines "^Nobody	$HOST_A	3691	no	?	hosta	?	?	.*cannot be reached" 1 "$WORK/found" && ok probe-nobody || fail "probe-nobody $(cat "$WORK/found")"
  end "$nobody"; end "$locked"
  discover --probe --json
  has _daap._tcp probe.songs 1
  has _daap._tcp probe.password false
  has _daap._tcp probe.error null
  end "$open"
}
shares() { # host B sees the share of one song
  on "$B" "$DAPPLE" discover --timeout 1 | grep -q "^Jo's Music"
}

# --- the run ----------------------------------------------------------------------------------------
[ "$(id -u)" -eq 0 ] || { skip "discover needs root for network namespaces"; finish; }
for tool in ip unshare avahi-daemon avahi-publish-service dbus-daemon python3; do
  command -v $tool >/dev/null || { skip "discover needs $tool"; finish; }
done
hosts || { skip "discover cannot make network namespaces here"; finish; }
avahi "$A" hosta || { fail "avahi on host A: $(tail -1 "$WORK/$A/avahi.log")"; finish; }
for name in ${*:-kinds seen probe}; do "case_$name"; done
finish
