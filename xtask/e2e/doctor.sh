#!/bin/bash
# What `dapple doctor` says of hosts that are well and of hosts that are not, each a network namespace.
#
#   xtask/e2e/doctor.sh [CASE]...       all cases, or those named
#
# The server runs on host A, and so does the doctor. Prints `ok NAME`, `FAIL NAME` or `skip NAME reason` a line, and the
# count last. Needs root, iproute2, avahi-daemon, avahi-utils, dbus, python3, setpriv; nftables for the firewall.
#
# Environment: DAPPLE, the binary.
set -u
cd "$(dirname "$0")/../.." || exit 2
. xtask/e2e/hosts.sh
DAPPLE=$(realpath -m "${DAPPLE:-${CARGO_TARGET_DIR:-target}/debug/dapple}")

doctor() { # doctor ARGUMENT... : on host A, of what was served last; its report is in $WORK/report, its exit code in $CODE
  on "$A" "$DAPPLE" doctor --name "Jo's Music" --data "$SERVED/data" "$@" "$SERVED/music" >"$WORK/report" 2>&1
  CODE=$?
}
says() { # says NAME CODE PATTERN... : the report has them all, and the exit code is that
  local name=$1 code=$2 pattern; shift 2
  for pattern in "$@"; do
    grep -qE -- "$pattern" "$WORK/report" || { fail "$name: no line '$pattern'"; sed 's/^/    /' "$WORK/report"; return; }
  done
  if [ "$CODE" = "$code" ]; then ok "$name"; else fail "$name: exit code $CODE, not $code"; sed 's/^/    /' "$WORK/report"; fi
}
answers() { # answers HOST ADDRESS PORT
  on "$1" bash -c "exec 3<>/dev/tcp/$2/$3"
}
announced() {
  on "$B" timeout 5 avahi-browse -rpt _daap._tcp 2>/dev/null | grep -q "^=;v0;IPv4;$1"
}
JO='Jo\\039s\\032Music'

# --- cases ------------------------------------------------------------------------------------------
case_well() {
  serve "$A"; local server=$STARTED
  within 20 announced "$JO"
  doctor
  says well 0 "^ok +network +v0 has $HOST_A" '^ok +server ' '^ok +port .*the server' "^ok +reach .*http://$HOST_A:3689" \
    '^ok +folders +1 file in' '^ok +watching ' '^ok +data ' '^ok +limits ' '^ok +multicast .* v0$' \
    '^ok +name ' '^ok +announced ' '^ok +clock ' '^nothing keeps clients out$'
  doctor --json
  if python3 -c "
import json, sys
found = json.load(open(sys.argv[1]))
assert {each['verdict'] for each in found} == {'fine'}, found
assert {'check', 'verdict', 'says', 'cure'} == set(found[0])
" "$WORK/report" 2>"$WORK/complaint"; then ok json; else fail "json $(tail -1 "$WORK/complaint")"; fi
  end "$server"
  doctor
  says not-running 1 '^ERROR +server .*127.0.0.1:3689' 'try: dapple serve$' '^ok +port .*free'
}
case_firewall() {
  command -v nft >/dev/null || { skip "firewall needs nft"; return; }
  serve "$A"; local server=$STARTED
  within 20 announced "$JO"
  if on "$A" nft -f - <<<'table inet doctor { chain in { type filter hook input priority 0; udp dport 5353 drop; }; }' 2>"$WORK/nft"; then
    doctor
    says firewall 1 '^ERROR +multicast .*UDP port 5353' 'try: sudo iptables .*5353' '^ok +reach '
    on "$A" nft delete table inet doctor
    doctor
    says firewall-gone 0 '^ok +multicast '
  else
    skip "firewall nft does not work here: $(tail -1 "$WORK/nft")"
  fi
  end "$server"
}
case_mdns_port() {
  serve "$A" --no-advertise; local server=$STARTED
  within 20 answers "$A" 127.0.0.1 3689
  start "$WORK/taker" on "$A" python3 -c '
import socket, time
taker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
taker.bind(("", 5353))
print("taken", flush=True)
time.sleep(60)'
  local taker=$STARTED
  within 10 grep -q taken "$WORK/taker"
  doctor --no-advertise
  says mdns-port-taken 1 '^ERROR +multicast +UDP port 5353 is taken by python3 ' 'try: .*disallow-other-stacks'
  end "$taker"
  doctor --no-advertise
  says not-announced-as-asked 0 '^ok +multicast ' '^warning +announced '
  end "$server"
}
case_port() {
  serve "$A"; local server=$STARTED
  within 20 answers "$A" 127.0.0.1 3689
  end "$server"
  start "$WORK/taker" on "$A" python3 -m http.server 3689
  local taker=$STARTED
  within 10 answers "$A" 127.0.0.1 3689
  doctor
  says port-taken 1 '^ERROR +port .*3689 is taken by python3 \(process [0-9]+\)' 'try: dapple serve --listen \[::\]:3690' '^ERROR +server '
  end "$taker"
}
case_loopback() {
  serve "$A" --listen 127.0.0.1:3689; local server=$STARTED
  within 20 answers "$A" 127.0.0.1 3689
  doctor
  says loopback-only 1 '^ok +server ' "^ERROR +reach .*http://$HOST_A:3689" 'try: dapple serve --listen \[::\]:3689' '^ERROR +announced '
  end "$server"
}
case_name() {
  start "$WORK/publish" on "$B" avahi-publish-service "jo's music" _daap._tcp 3700 Password=0
  local rival=$STARTED
  within 10 grep -q Established "$WORK/publish"
  serve "$A"; local server=$STARTED
  within 20 announced "$JO\\\\032\\\\0402\\\\041"
  doctor
  says name-taken 0 "^warning +name .*$HOST_B.* \"Jo's Music \(2\)\"" '^ok +announced .*\(2\)'
  end "$server"; end "$rival"
}
case_network() {
  serve "$A"; local server=$STARTED
  within 20 announced "$JO"
  ip -n "$A" link set dev v0 multicast off
  doctor
  says no-multicast 1 '^ERROR +network +v0 does not do multicast' 'try: sudo ip link set dev v0 multicast on'
  ip -n "$A" link set dev v0 multicast on
  ip -n "$A" addr flush dev v0 scope global
  doctor
  says no-address 1 '^ERROR +network +v0 has no address'
  ip -n "$A" link set v0 down
  doctor
  says no-network 1 '^ERROR +network +this machine is on no network'
  ip -n "$A" link set v0 up
  ip -n "$A" addr add "$HOST_A/24" brd + dev v0
  ip -n "$A" route replace 224.0.0.0/4 dev v0
  end "$server"
}
case_elsewhere() {
  serve "$B"; local server=$STARTED
  within 20 answers "$B" "$HOST_B" 3689
  within 20 announced "$JO"
  doctor --server "http://$HOST_B:3689"
  says elsewhere 0 '^ok +server ' '^ok +multicast ' '^ok +announced ' '^ok +clock '
  if grep -qE '^[a-zA-Z]+ +(port|reach|folders|data) ' "$WORK/report"; then fail elsewhere-only; else ok elsewhere-only; fi
  end "$server"
}
case_folders() {
  serve "$A"; local server=$STARTED
  within 20 announced "$JO"
  chmod 711 "$WORK"
  chmod 755 "$SERVED"
  cp "$SERVED/music/silence.wav" "$SERVED/music/secret.wav"
  chmod 600 "$SERVED/music/secret.wav"
  on "$A" setpriv --reuid=65534 --regid=65534 --clear-groups "$DAPPLE" doctor --name "Jo's Music" \
    --data "$SERVED/data" "$SERVED/music" >"$WORK/report" 2>&1
  CODE=$?
  says unreadable 1 '^warning +folders +1 in .* cannot be read: .*/secret.wav$' 'try: sudo chmod -R a\+rX ' '^ERROR +data .*cannot be written'
  doctor "$SERVED/gone"
  says no-folder 1 '^ERROR +folders +there is no folder .*/gone'
  end "$server"
}
case_wrong_settings() {
  serve "$A"; local server=$STARTED
  on "$A" "$DAPPLE" doctor --config "$WORK/nowhere.toml" >"$WORK/report" 2>&1
  CODE=$?
  says no-config 2 'cannot read .*nowhere.toml'
  end "$server"
}

# --- the run ----------------------------------------------------------------------------------------
[ "$(id -u)" -eq 0 ] || { skip "doctor needs root for network namespaces"; finish; }
for tool in ip unshare avahi-daemon avahi-browse avahi-publish-service dbus-daemon python3 setpriv; do
  command -v $tool >/dev/null || { skip "doctor needs $tool"; finish; }
done
hosts || { skip "doctor cannot make network namespaces here"; finish; }
avahi "$B" hostb || { fail "avahi on host B: $(tail -1 "$WORK/$B/avahi.log")"; finish; }
for name in ${*:-well firewall mdns_port port loopback name network elsewhere folders wrong_settings}; do "case_$name"; done
finish
