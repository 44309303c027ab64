#!/bin/bash
# pyatv, as it is on PyPI, as a Remote on another host: pairs, finds, follows and controls `dapple serve`.
#
#   xtask/e2e/pyatv.sh
#
# The server runs on host A, and so does `dapple pair`; pyatv on host B. What it checks is in remote_pyatv.py. Needs root,
# iproute2, ffmpeg, python3 with pip.
#
# Environment: DAPPLE, the binary.
set -u
cd "$(dirname "$0")/../.." || exit 2
. xtask/e2e/hosts.sh
DAPPLE=$(realpath -m "${DAPPLE:-${CARGO_TARGET_DIR:-target}/debug/dapple}")
E2E_WORK=${E2E_WORK:-$WORK/work}
export DAPPLE E2E_WORK

# Fetched before there is a host without a way out.
python3 xtask/e2e/remote_pyatv.py install || { fail "pyatv cannot be installed"; finish; }
hosts || { skip "pyatv cannot make network namespaces here"; finish; }
ip netns exec "$B" python3 xtask/e2e/remote_pyatv.py "$A" "$HOST_A" "$HOST_B"
