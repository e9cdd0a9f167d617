#!/bin/sh
# Adds up what the test suites printed; the count of skipped tests is part of the result.
cd "$(dirname "$0")/../build/test" || exit 1
awk '
  /^ℹ pass / { passed += $3 }
  /^ℹ fail / { failed += $3 }
  /^ℹ skipped / { skipped += $3 }
  /^[0-9]+ passed, [0-9]+ failed/ { passed += $1; failed += $3; skipped += $5 }
  END { printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped; exit failed > 0 || passed == 0 }
' ./*.log
