#!/bin/sh
# Puts ms_print, a Perl script, into the file that is named. Debian has it in the package of all of valgrind only, which is
# downloaded for it but not installed.
set -eu
target=$(realpath -m "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work" # apt's own user writes there
cd "$work"
if ! apt-get download -qq valgrind 2>/dev/null; then
  if [ "$(id -u)" = 0 ]; then sudo=; else sudo=sudo; fi
  $sudo apt-get update -qq
  apt-get download -qq valgrind
fi
mkdir -p "$(dirname "$target")"
dpkg-deb --fsys-tarfile valgrind_*.deb | tar -xO ./usr/bin/ms_print >ms_print
install -m 755 ms_print "$target"
