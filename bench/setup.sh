#!/bin/sh
# Installs what the benchmarks compare with. Debian and its like; run as root. A side whose runtime is missing is left out.
set -eu
apt-get install --yes python3 python3-uvloop
