#!/bin/sh
# Usage: run-tests.sh PROGRAM...
# Runs programs made with check.h and adds up their last lines ("NAME: 12 passed, 0 failed, 1 skipped"). A program that
# ends without one, because a sanitizer stopped it, counts as one failed test.
for program in "$@"; do
  "$program" 2>&1
  echo "status $? of $program"
done | awk '
  /^[^ ]+: [0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$/ { passed += $2; failed += $4; skipped += $6; ended = 1 }
  /^status [0-9]+ of / {
    if (!ended) { failed++; print $4 ": ended with status " $2 }
    ended = 0
    next
  }
  { print; fflush() }
  END {
    printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped
    exit failed > 0 || passed == 0
  }
'
