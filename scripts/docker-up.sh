#!/usr/bin/env bash
# A Docker Engine for the docker and vllm tiers, on Debian as root: installs what is missing, starts a daemon when none
# answers. An executable no-op hook on the daemon's PATH makes it accept GPU requests on a machine without a GPU:
# enough to prove the request, never to claim that a GPU ran.
set -u
state="${STEPCTL_TEST_CACHE:-${TMPDIR:-/tmp}/stepctl-test-cache}/dockerd"
socket="/var/run/docker.sock"

if docker version >/dev/null 2>&1; then
  echo "docker: a daemon answers already ($(docker version --format '{{.Server.Version}}'))"
  exit 0
fi
if [ "$(id -u)" -ne 0 ]; then
  echo "docker: no daemon answers and this user may not start one" >&2
  exit 1
fi
if ! command -v dockerd >/dev/null 2>&1 || ! command -v debootstrap >/dev/null 2>&1; then
  echo "docker: installing docker.io and debootstrap"
  if ! command -v apt-get >/dev/null 2>&1; then
    echo "docker: neither dockerd nor apt-get is here" >&2
    exit 1
  fi
  export DEBIAN_FRONTEND=noninteractive
  { apt-get update -qq && apt-get install -y -qq --no-install-recommends docker.io debootstrap iptables iproute2; } >/dev/null || {
    echo "docker: docker.io or debootstrap could not be installed" >&2
    exit 1
  }
fi
mkdir -p "$state/bin"
printf '#!/bin/sh\nexit 0\n' >"$state/bin/nvidia-container-runtime-hook"
chmod +x "$state/bin/nvidia-container-runtime-hook"
PATH="$state/bin:$PATH" setsid nohup dockerd --host "unix://$socket" >"$state/dockerd.log" 2>&1 &
echo $! >"$state/dockerd.pid"
for _ in $(seq 1 60); do
  if docker version >/dev/null 2>&1; then
    echo "docker: daemon $(docker version --format '{{.Server.Version}}') started"
    exit 0
  fi
  kill -0 "$(cat "$state/dockerd.pid")" 2>/dev/null || break
  sleep 1
done
echo "docker: the daemon did not come up:" >&2
tail -n 5 "$state/dockerd.log" >&2
exit 1
