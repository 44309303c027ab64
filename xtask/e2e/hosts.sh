# Two hosts made of network namespaces, on one network of their own; each may have its own bus and avahi.
# Sourced by the tests that need them. What they start is ended by `clean`, each process by its own id.
WORK=$(mktemp -d)
ID=$$
A=dapple-a$ID B=dapple-b$ID
HOST_A=10.77.0.1 HOST_B=10.77.0.2
# What dapple remembers and is told to do here is not the machine's.
export XDG_DATA_HOME="$WORK/data" XDG_CONFIG_HOME="$WORK/config"
PASSED=0 FAILED=0
PIDS=()

ok() { PASSED=$((PASSED + 1)); echo "ok $*"; }
fail() { FAILED=$((FAILED + 1)); echo "FAIL $*"; }
skip() { echo "skip $*"; }
finish() { echo "$PASSED passed, $FAILED failed"; [ "$FAILED" -eq 0 ]; exit; }

# --- processes, each ended by its own id -----------------------------------------------------------
start() { # start LOG COMMAND... : the process is $STARTED
  local log=$1; shift
  "$@" >"$log" 2>&1 </dev/null &
  STARTED=$!
  PIDS+=("$STARTED")
}
family() { # a process and what it started, the youngest first
  local child
  for child in $(cat "/proc/$1/task"/*/children 2>/dev/null); do family "$child"; done
  echo "$1"
}
end() { # end PID : asked first, then made to
  local all; all=$(family "$1")
  kill $all 2>/dev/null
  for _ in $(seq 60); do kill -0 $all 2>/dev/null || break; sleep 0.1; done
  kill -9 $all 2>/dev/null
  wait "$1" 2>/dev/null
}
clean() {
  local i ns
  for ((i = ${#PIDS[@]} - 1; i >= 0; i--)); do end "${PIDS[i]}"; done
  for ns in "$A" "$B"; do ip netns del "$ns" 2>/dev/null; done
  rm -rf "$WORK"
}
trap clean EXIT
trap 'exit 130' INT TERM
within() { # within SECONDS COMMAND... : until it succeeds
  local end=$((SECONDS + $1)); shift
  until "$@" >/dev/null 2>&1; do [ $SECONDS -ge $end ] && return 1; sleep 0.2; done
}

# --- hosts ------------------------------------------------------------------------------------------
hosts() {
  ip netns add "$A" && ip netns add "$B" || return 1
  ip -n "$A" link add v0 type veth peer name v0 netns "$B"
  ip -n "$A" addr add "$HOST_A/24" brd + dev v0
  ip -n "$B" addr add "$HOST_B/24" brd + dev v0
  local ns
  for ns in "$A" "$B"; do
    ip -n "$ns" link set lo up
    ip -n "$ns" link set v0 up
    ip -n "$ns" route add 224.0.0.0/4 dev v0
    mkdir -p "$WORK/$ns/dbus" "$WORK/$ns/avahi-daemon"
  done
}
on() { # on HOST COMMAND... : with that host's own bus and avahi
  local ns=$1; shift
  mkdir -p /run/dbus /run/avahi-daemon
  ip netns exec "$ns" unshare -m --propagation private bash -c '
    mount --bind "$0/dbus" /run/dbus && mount --bind "$0/avahi-daemon" /run/avahi-daemon && exec "$@"
  ' "$WORK/$ns" "$@"
}
avahi() { # avahi HOST NAME : starts its bus and daemon; ended by end $AVAHI $BUS
  local ns=$1 dir="$WORK/$1"
  printf '%s\n' '[server]' "host-name=$2" 'use-ipv4=yes' 'use-ipv6=yes' 'allow-interfaces=v0' \
    '[wide-area]' 'enable-wide-area=no' '[publish]' 'publish-hinfo=no' 'publish-workstation=no' '[rlimits]' \
    >"$dir/avahi.conf"
  start "$dir/dbus.log" on "$ns" dbus-daemon --system --nofork --nopidfile
  BUS=$STARTED
  within 10 test -S "$dir/dbus/system_bus_socket" || return 1
  start "$dir/avahi.log" on "$ns" avahi-daemon --no-drop-root --no-chroot --no-rlimits -f "$dir/avahi.conf"
  AVAHI=$STARTED
  within 10 test -S "$dir/avahi-daemon/socket"
}

# --- servers ----------------------------------------------------------------------------------------
serve() { # serve HOST ARGUMENT... : shares one song as "Jo's music"; the process is $STARTED, its folders are in $SERVED
  local ns=$1; shift
  SERVED=$(mktemp -d -p "$WORK")
  mkdir "$SERVED/music"
  { # one second of silence, 8,000 unsigned bytes
    printf 'RIFF\x64\x1f\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x40\x1f\0\0\x01\0\x08\0data\x40\x1f\0\0'
    head -c 8000 /dev/zero | tr '\0' '\200'
  } >"$SERVED/music/silence.wav"
  start "$SERVED/log" on "$ns" env DAPPLE_NAME="Jo's Music" "$DAPPLE" serve --data "$SERVED/data" "$@" "$SERVED/music"
}
