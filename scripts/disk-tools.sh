#!/usr/bin/env bash
# mkfs.btrfs for the chaos tier's disk quota, on Debian as root. Where it cannot be installed, that test skips itself and says why.
set -u
command -v mkfs.btrfs >/dev/null 2>&1 && exit 0
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
  echo "disk tools: no mkfs.btrfs, and it cannot be installed here"
  exit 0
fi
export DEBIAN_FRONTEND=noninteractive
{ apt-get update -qq && apt-get install -y -qq --no-install-recommends btrfs-progs; } >/dev/null ||
  echo "disk tools: btrfs-progs could not be installed"
exit 0
