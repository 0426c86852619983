#!/usr/bin/env bash
# Stops the daemon that docker-up.sh started; leaves every other one alone.
set -u
state="${STEPCTL_TEST_CACHE:-${TMPDIR:-/tmp}/stepctl-test-cache}/dockerd"
[ -f "$state/dockerd.pid" ] || exit 0
kill "$(cat "$state/dockerd.pid")" 2>/dev/null
rm -f "$state/dockerd.pid"
