#!/bin/bash
# What another host sees of our announcements, between two hosts made of network namespaces.
#
#   xtask/e2e/mdns.sh [CASE]...       all cases, or those named
#
# Observers that are not ours: avahi-browse and avahi-publish on host B with a daemon of its own. Cases run with
# avahi beside us on host A, and the first ones again without. Prints `ok NAME`, `FAIL NAME` or `skip NAME
# reason` a line, and the count last. Needs root, iproute2, avahi-daemon, avahi-utils, dbus, tcpdump.
#
# Environment: ADVERTISE, the example `advertise` of discovery (built if not given);
#              DAPPLE, the binary (what it cannot do is skipped).
set -u
cd "$(dirname "$0")/../.." || exit 2
TARGET=${CARGO_TARGET_DIR:-target}
. xtask/e2e/hosts.sh

# --- what is announced, and what is seen ------------------------------------------------------------
SHARES=0 SAID=()
announce() { # announce HOST NAME HOSTNAME PORT : the process is $SHARE, it reads from $SHARE_IN, writes to $SHARE_OUT
  SHARES=$((SHARES + 1))
  local pipe="$WORK/in$SHARES" ns=$1; shift
  mkfifo "$pipe"
  SHARE_OUT="$WORK/share$SHARES"
  SAID+=("$SHARE_OUT")
  : >"$SHARE_OUT"
  on "$ns" env RUST_LOG="${RUST_LOG:-}" "$ADVERTISE" "$@" <"$pipe" >"$SHARE_OUT" 2>&1 &
  SHARE=$!
  PIDS+=("$SHARE")
  exec {SHARE_IN}>"$pipe"
}
announced() { # announced OUT NAME : that is how it stands last
  [ "$(tail -1 "$1")" = "announced $2" ]
}
seen() { # seen [TYPE] : the resolved services that avahi on host B sees, a line each; shares if no type is given
  on "$B" timeout 8 avahi-browse -rpt "${1:-_daap._tcp}" 2>/dev/null | grep '^=;v0;IPv4'
}
named() { # named NAME : as avahi-browse prints it
  printf '%s\n' "$1" | LC_ALL=C sed 's/[^a-zA-Z0-9_-]/\n&\n/g' | while IFS= read -r part; do
    case $part in
    [a-zA-Z0-9_-]*) printf %s "$part" ;;
    ?*) printf %s "$part" | od -An -tu1 | awk '{ for (i = 1; i <= NF; i++) printf "\\%03d", $i }' ;;
    esac
  done
}
sees() { # sees NAME [PATTERN] : B sees it, and its line matches
  seen | grep -F ";$(named "$1");" | grep -qE -- "${2:-.}"
}
sees_kind() { # sees_kind TYPE ID PATTERN : B sees a service of this type under the id, and its line matches
  seen "$1" | grep -F ";$2;" | grep -qE -- "$3"
}
sees_no() { ! sees_kind "$1" "$2" .; }
sees_any() { # sees_any TYPE PATTERN : B sees a service of this type whose line matches
  seen "$1" | grep -qE -- "$2"
}
sees_none() { [ -z "$(seen "$1")" ]; }
sees_not() { ! sees "$@"; }
check() { # check NAME SECONDS COMMAND...
  local name=$1 seconds=$2; shift 2
  if within "$seconds" "$@"; then ok "$name"; else
    fail "$name"
    { echo "wanted: $*"; echo "seen:"; seen; echo "said:"; cat "${SAID[@]}"; } | sed 's/^/    /'
  fi
}

# --- cases ------------------------------------------------------------------------------------------
case_announce() { # $1 is a suffix of the names
  announce "$A" "Jo's Music" hosta 3689
  check "announced$1" 15 announced "$SHARE_OUT" "Jo's Music"
  check "seen$1" 10 sees "Jo's Music" ";hosta-3689.local;$HOST_A;3689;"
  check "resolves$1" 10 on "$B" avahi-resolve -4 -n hosta-3689.local
  local in=$SHARE_IN out=$SHARE_OUT share=$SHARE
  echo +password >&"$in"
  check "password-told$1" 10 sees "Jo's Music" '"Password=1"'
  announce "$A" "Jo's Music" hosta 3690
  check "second-here-renamed$1" 15 announced "$SHARE_OUT" "Jo's Music (2)"
  check "second-here-seen$1" 10 sees "Jo's Music (2)" ";3690;.*\"Machine Name=Jo's Music \(2\)\""
  end "$SHARE"
  check "goodbye-of-second$1" 6 sees_not "Jo's Music (2)"
  announce "$B" "jo's music" hostb 3689
  check "second-there-renamed$1" 15 announced "$SHARE_OUT" "jo's music (2)"
  end "$SHARE"
  check "first-keeps-its-name$1" 1 announced "$out" "Jo's Music"
  echo "Songs" >&"$in"
  check "new-name$1" 15 sees "Songs" ';3689;'
  check "old-name-gone$1" 6 sees_not "Jo's Music"
  end "$share"
  check "goodbye$1" 6 sees_not "Songs"
  check "stopped$1" 1 grep -qx stopped "$out"
}
case_clash_with_avahi() {
  local name pid
  for name in "Plain" "Vol. 1" 'A\C' "Ærø. Ü"; do
    start "$WORK/publish" on "$B" avahi-publish-service "$name" _daap._tcp 3700 'Machine Name=other'
    pid=$STARTED
    within 10 grep -q Established "$WORK/publish"
    announce "$A" "$name" hosta 3689
    check "clash-with-avahi: $name" 15 announced "$SHARE_OUT" "$name (2)"
    end "$SHARE"
    end "$pid"
  done
}
case_clash_of_ours() {
  local name first
  for name in "Plain" "Vol. 1"; do
    announce "$A" "$name" hosta 3689; first=$SHARE
    within 15 announced "$SHARE_OUT" "$name"
    announce "$B" "$name" hostb 3689
    check "clash-of-ours: $name" 15 announced "$SHARE_OUT" "$name (2)"
    end "$SHARE"; end "$first"
  done
}
one_each() { # one_each OUT OUT NAME : one of the two has the name, the other the next
  announced "$1" "$3" && announced "$2" "$3 (2)" || announced "$2" "$3" && announced "$1" "$3 (2)"
}
case_together() {
  announce "$A" "Twins" hosta 3689; local first=$SHARE out=$SHARE_OUT
  announce "$B" "Twins" hostb 3689
  check "two-at-once" 25 one_each "$out" "$SHARE_OUT" Twins
  end "$SHARE"; end "$first"
}
case_host_clash() {
  announce "$A" "One" same 3689; local first=$SHARE
  within 15 announced "$SHARE_OUT" "One"
  announce "$B" "Two" same 3689
  check "host-clash-announced" 20 announced "$SHARE_OUT" "Two"
  check "host-clash-seen" 10 sees "Two" ";same-3689-2.local;$HOST_B;3689;"
  check "host-clash-first" 10 sees "One" ";same-3689.local;$HOST_A;3689;"
  end "$SHARE"; end "$first"
}
case_address_change() {
  announce "$A" "Mover" hosta 3689
  check "before-the-change" 15 sees "Mover" ";$HOST_A;"
  ip -n "$A" addr add 10.77.0.9/24 brd + dev v0
  ip -n "$A" addr del "$HOST_A/24" dev v0
  ip -n "$A" addr show dev v0 | grep -q 10.77.0.9 || ip -n "$A" addr add 10.77.0.9/24 brd + dev v0
  ip -n "$A" route replace 224.0.0.0/4 dev v0
  check "address-change-followed" 20 sees "Mover" ';10.77.0.9;'
  ip -n "$A" addr add "$HOST_A/24" brd + dev v0
  ip -n "$A" addr del 10.77.0.9/24 dev v0
  ip -n "$A" addr show dev v0 | grep -q "$HOST_A" || ip -n "$A" addr add "$HOST_A/24" brd + dev v0
  ip -n "$A" route replace 224.0.0.0/4 dev v0
  check "address-change-followed-back" 20 sees "Mover" ";$HOST_A;"
  end "$SHARE"
}
case_joined_networks() {
  ip -n "$A" link set v0 down
  announce "$A" "Joined" hosta 3689; local first=$SHARE out=$SHARE_OUT
  announce "$B" "Joined" hostb 3689
  sleep 4
  ip -n "$A" link set v0 up
  ip -n "$A" route replace 224.0.0.0/4 dev v0
  check "joined-networks" 40 one_each "$out" "$SHARE_OUT" Joined
  end "$SHARE"; end "$first"
}
case_controls() { # a server as Remotes and speakers find it, and a Remote that waits, beside a share
  local id=3C69B5CF12DBA52C able=_touch-able._tcp sender=iTunes_Ctrl_3C69B5CF12DBA52C
  announce "$A" "$id" hosta 3689 server; local server=$SHARE in=$SHARE_IN
  announce "$A" "$id" hosta 3689 sender; local control=$SHARE
  announce "$A" "FC8D68FE-A7F2" hosta 49160 remote; local remote=$SHARE
  announce "$A" "Beside" hosta 3689; local beside=$SHARE
  # avahi-browse prints the strings of a TXT record from the last to the first.
  local txt="\"CtlN=Library\" \"OSsi=0x1F5\" \"Ver=131073\" \"DvSv=2306\" \"DvTy=iTunes\" \"DbId=$id\" \"txtvers=1\"\$"
  check controls-server 10 sees_kind $able $id ";hosta-3c69b5cf12dba52c.local;$HOST_A;3689;$txt"
  check controls-sender 10 sees_kind _dacp._tcp $sender ";$HOST_A;3689;"
  check controls-remote 10 sees_kind _touch-remote._tcp FC8D68FE-A7F2 ";$HOST_A;49160;\"Pair=FAEA410630AEC05E\""
  check controls-share 15 sees "Beside" ";$HOST_A;3689;"
  echo "Attic" >&"$in"
  check controls-new-name-in-place 10 sees_kind $able $id ';3689;"CtlN=Attic"'
  end "$remote"
  check controls-goodbye-of-the-remote 6 sees_no _touch-remote._tcp FC8D68FE-A7F2
  check controls-the-others-stay 6 sees_kind $able $id ";$HOST_A;3689;"
  check controls-the-sender-stays 6 sees_kind _dacp._tcp $sender ";$HOST_A;3689;"
  announce "$B" "$id" hostb 3689 server
  check controls-an-id-is-kept 10 announced "$SHARE_OUT" "$id"
  end "$SHARE"
  end "$control"; end "$server"; end "$beside"
  check controls-goodbye 6 sees_no $able $id
}
case_discover() {
  if ! [ -x "$DAPPLE" ] || ! "$DAPPLE" discover --help >/dev/null 2>&1; then
    skip "discover there is no $DAPPLE with discover"
    return
  fi
  announce "$A" "Vol. 2" hosta 3689
  within 15 announced "$SHARE_OUT" "Vol. 2"
  start "$WORK/publish" on "$B" avahi-publish-service "J. Doe" _daap._tcp 3700 'Version=196610' 'Password=true'
  local pid=$STARTED
  within 10 grep -q Established "$WORK/publish"
  on "$B" "$DAPPLE" discover >"$WORK/lines"; local code=$?
  if [ $code -eq 0 ]; then ok discover-exit-0; else fail "discover-exit-0 $code"; fi
  if grep -qF "Vol. 2	$HOST_A	3689	no	3.0.12	hosta-3689" "$WORK/lines"; then ok discover-line; else fail "discover-line $(cat "$WORK/lines")"; fi
  if grep -qF "J. Doe	$HOST_B	3700	yes	3.0.2	hostb" "$WORK/lines"; then ok discover-own-machine; else fail "discover-own-machine $(cat "$WORK/lines")"; fi
  on "$B" "$DAPPLE" discover --json >"$WORK/json"
  if grep -q '"name": *"Vol. 2"' "$WORK/json"; then ok discover-json; else fail "discover-json $(cat "$WORK/json")"; fi
  start "$WORK/watch" on "$B" "$DAPPLE" discover --watch
  check discover-watch-found 6 grep -q "^+	Vol. 2" "$WORK/watch"
  end "$SHARE"
  check discover-watch-lost 6 grep -q "^-	Vol. 2" "$WORK/watch"
  end "$pid"
  check discover-watch-lost-dotted 8 grep -q "^-	J. Doe" "$WORK/watch"
  end "$STARTED"
  on "$B" "$DAPPLE" discover --timeout 1 >"$WORK/lines"; code=$?
  if [ $code -eq 1 ]; then ok discover-nothing-exit-1; else fail "discover-nothing-exit-1 $code $(cat "$WORK/lines")"; fi
}

share() { # share HOST ARGUMENT... : the process is $SHARE
  serve "$@"
  SHARE=$STARTED
  SAID+=("$SERVED/log")
}
says() { # says HOST NAME : the server at HOST calls itself so
  on "$B" bash -c "exec 3<>/dev/tcp/$1/3689 && printf 'GET /api/v1/status HTTP/1.0\r\n\r\n' >&3 && cat <&3" |
    grep -qE "\"name\": ?\"$2\""
}
case_serve() {
  if ! [ -x "$DAPPLE" ] || ! "$DAPPLE" serve --help >/dev/null 2>&1; then
    skip "serve there is no $DAPPLE with serve"
    return
  fi
  share "$A"; local first=$SHARE
  # avahi-browse prints the strings of a TXT record from the last to the first.
  local txt='"dmv=[0-9]+" "Media Kinds Shared=1" "iTSh Version=[0-9]+" "Version=[0-9]+" "Database ID=[0-9A-F]{16}"'
  txt+=" \"Machine ID=[0-9A-F]{12}\" \"Machine Name=Jo's Music\" \"Password=0\" \"txtvers=1\"\$"
  check serve-seen 30 sees "Jo's Music" ";$HOST_A;3689;$txt"
  check serve-name 5 says "$HOST_A" "Jo's Music"
  share "$B" --password secret; local second=$SHARE
  check serve-clash-renamed 30 sees "Jo's Music (2)" ";$HOST_B;3689;.*\"Machine Name=Jo's Music \(2\)\" \"Password=1\""
  check serve-clash-name 5 says "$HOST_B" "Jo's Music \(2\)"
  end "$second"
  check serve-goodbye-second 6 sees_not "Jo's Music (2)"
  end "$first"
  check serve-goodbye-first 6 sees_not "Jo's Music"
  share "$B" --listen 127.0.0.1:3689; first=$SHARE
  within 20 on "$B" bash -c 'exec 3<>/dev/tcp/127.0.0.1/3689'
  share "$A" --no-advertise; second=$SHARE
  within 20 on "$B" bash -c "exec 3<>/dev/tcp/$HOST_A/3689"
  sleep 4 # longer than an announcement would take
  check serve-unasked-unseen 1 sees_not "Jo's Music"
  end "$first"; end "$second"
}

lists() { # lists SHARE : host B lists it by that name, with its song
  on "$B" "$DAPPLE" ls "$1" 2>&1 | grep -q silence
}
case_names() {
  if ! [ -x "$DAPPLE" ] || ! "$DAPPLE" ls --help >/dev/null 2>&1; then
    skip "names there is no $DAPPLE with ls"
    return
  fi
  share "$A"
  check names-share 30 lists "Jo's Music"
  check names-share-in-other-letters 10 lists "daap://jo's%20music/"
  local host link
  host=$(seen | cut -d';' -f7)
  link=$(ip -n "$A" -6 addr show dev v0 scope link | grep -o 'fe80[^/]*')
  check names-host-that-only-mdns-knows 10 lists "$host"
  check names-address-with-a-scope 10 lists "[$link%v0]"
  on "$B" "$DAPPLE" ls "Nobody's music" >"$WORK/nobody" 2>&1; local code=$?
  if [ $code -eq 2 ] && grep -qF "Jo's Music" "$WORK/nobody"; then ok names-others; else fail "names-others $code $(cat "$WORK/nobody")"; fi
  end "$SHARE"
}

remote() { # remote ARGUMENT... : as host B's
  on "$B" "$DAPPLE" remote "$@"
}
case_remote() { # host B's Remote is paired by host A's server, each finding the other
  if ! [ -x "$DAPPLE" ] || ! "$DAPPLE" remote --help >/dev/null 2>&1; then
    skip "remote there is no $DAPPLE with remote"
    return
  fi
  share "$A" --output null; local server=$SHARE
  check remote-server-announced 30 sees_any _touch-able._tcp ";$HOST_A;3689;.*CtlN=Jo's Music"
  start "$WORK/pairing" on "$B" "$DAPPLE" remote pair --name "Jo's laptop" --timeout 60
  local waiting=$STARTED pin
  check remote-announced 15 sees_any _touch-remote._tcp "DvNm=Jo's laptop"
  pin=$(sed -n 's/^PIN //p' "$WORK/pairing")
  check remote-pin-accepted 15 on "$A" "$DAPPLE" pair "$pin"
  check remote-paired 20 grep -qF "paired with Jo's Music at daap://$HOST_A:3689/" "$WORK/pairing"
  check remote-goodbye 6 sees_none _touch-remote._tcp
  check remote-controls 10 remote "Jo's Music" play /
  if remote "$HOST_A" status | grep -q "^state	playing"; then ok remote-by-its-address; else fail "remote-by-its-address $(remote "$HOST_A" status 2>&1)"; fi
  remote forget "Jo's Music" >/dev/null
  remote "$HOST_A" status >"$WORK/refused" 2>&1; local code=$?
  if [ $code -eq 2 ] && grep -qF "dapple remote $HOST_A pair" "$WORK/refused"; then ok remote-unpaired-is-told; else fail "remote-unpaired-is-told $code $(cat "$WORK/refused")"; fi
  end "$waiting"; end "$server"
}

# --- the run ----------------------------------------------------------------------------------------
[ "$(id -u)" -eq 0 ] || { skip "mdns needs root for network namespaces"; finish; }
for tool in ip unshare avahi-daemon avahi-browse avahi-publish-service avahi-resolve dbus-daemon tcpdump; do
  command -v $tool >/dev/null || { skip "mdns needs $tool"; finish; }
done
if [ -z "${ADVERTISE:-}" ]; then
  cargo build -q -p discovery --example advertise || { fail "build of the example advertise"; finish; }
  ADVERTISE=$TARGET/debug/examples/advertise
fi
ADVERTISE=$(realpath "$ADVERTISE")
DAPPLE=$(realpath -m "${DAPPLE:-$TARGET/debug/dapple}")
hosts || { skip "mdns cannot make network namespaces here"; finish; }

# Nothing of this may be seen on an interface of the machine itself.
LEAKS=()
for dev in $(ls /sys/class/net | grep -vE '^(lo|ifb[0-9]*|bonding_masters)$'); do
  start "$WORK/leak.$dev" tcpdump -lnpi "$dev" 'udp port 5353 or net 10.77.0.0/24'
  LEAKS+=("$WORK/leak.$dev")
done
start "$WORK/wire" ip netns exec "$B" tcpdump -lnvvvi v0 udp port 5353
WIRE=$STARTED
avahi "$B" hostb || { fail "avahi on host B: $(tail -1 "$WORK/$B/avahi.log")"; finish; }

CASES=${*:-announce clash_with_avahi clash_of_ours together host_clash address_change joined_networks controls discover serve names remote}
case " $CASES " in *" announce "*) case_announce ", alone" ;; esac
avahi "$A" hosta || { fail "avahi on host A: $(tail -1 "$WORK/$A/avahi.log")"; finish; }
for name in $CASES; do
  SAID=()
  case $name in announce) case_announce ", beside avahi" ;; *) "case_$name" ;; esac
done
if grep -qiE 'conflict|retrying with' "$WORK/$A/avahi.log"; then fail "avahi-undisturbed $(grep -iE 'conflict|retrying' "$WORK/$A/avahi.log" | head -1)"; else ok avahi-undisturbed; fi
end "$WIRE"
[ -n "${KEEP_WIRE:-}" ] && cp "$WORK/wire" "$KEEP_WIRE"
case " $CASES " in
*" announce "*)
  TXT='"txtvers=1" "Password=0" "Machine Name=Jo'"'"'s Music" "Machine ID=00005E005312" "Database ID=0123456789ABCDEF" '
  TXT+='"Version=196620" "iTSh Version=196620" "Media Kinds Shared=1" "dmv=131082"'
  if grep -qF "TXT $TXT" "$WORK/wire"; then ok txt-in-order; else fail txt-in-order; fi
  if grep -qE '_daap._tcp.local. \[0s\] PTR Songs._daap' "$WORK/wire"; then ok goodbye-on-the-wire; else fail goodbye-on-the-wire; fi
  ;;
esac
LEAK=$([ ${#LEAKS[@]} -gt 0 ] && cat "${LEAKS[@]}" | grep -E '5353|10\.77\.' | head -1)
if [ -z "$LEAK" ]; then ok nothing-leaks; else fail "nothing-leaks $LEAK"; fi
finish
