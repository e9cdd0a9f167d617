#!/bin/sh
# Records the sample program, whose one leak is known, and prints where it is.
set -eu
cd "$(dirname "$0")/.."

mkdir -p build/demo
g++ -O2 -g -o build/demo/pipeline test/programs/demo_pipeline.cpp
if [ "$(id -u)" = 0 ]; then sudo=; else sudo=sudo; fi
$sudo ./bin/mp run --force --output build/demo/pipeline.db -- build/demo/pipeline
echo
./bin/mp table --leaks build/demo/pipeline.db --max-rows 5
./bin/mp flamegraph --force --output build/demo/pipeline.html build/demo/pipeline.db
