#!/bin/sh
# Installs what the benchmarks compare with. Debian and its like; run as root. A side whose runtime is missing is left out.
set -eu
apt-get install --yes python3 python3-uvloop python3-httptools
# What the load comes from.
apt-get install --yes gcc libc6-dev libssl-dev openssl util-linux wrk
# Effect; in bench/node_modules, so that the library never meets it.
npm ci --ignore-scripts --prefix "$(dirname "$0")"
