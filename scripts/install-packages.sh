#!/bin/sh
# Installs the Debian packages that building, or with "test" also testing, needs and that are missing.
set -eu

packages='build-essential clang-14 llvm-14 bpftool libbpf-dev libelf-dev libdw-dev zlib1g-dev libsqlite3-dev pkg-config python3 git'
test_packages='clang-format-14 libclang-rt-14-dev binutils chromium redis-server redis-tools heaptrack bpftrace sqlite3 tmux'
test_packages="$test_packages libjemalloc-dev libtcmalloc-minimal4 libmimalloc-dev musl-tools graphviz python3-objgraph"
[ "${1:-}" = test ] && packages="$packages $test_packages"

missing=
for package in $packages; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then sudo=; else sudo=sudo; fi
echo "installing Debian packages:$missing"
# the test packages bring servers; none is to be started by the installation
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' | $sudo tee "$policy" >/dev/null
  $sudo chmod +x "$policy"
  trap '$sudo rm -f "$policy"' EXIT
fi
$sudo apt-get update -qq
# shellcheck disable=SC2086
DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends $missing >/dev/null
