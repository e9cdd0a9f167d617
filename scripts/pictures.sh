#!/bin/sh
# Makes the pictures of the README anew: flame graphs of redis-server under load, of Python programs and of a Node
# server, a terminal, and the live view. Needs root, Chromium, redis-server, curl, tmux and a built mp.
set -eu
cd "$(dirname "$0")/.."
out=$PWD/scripts/pictures
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$out"

photograph() { # PAGE SIZE PICTURE
  chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking \
    --disable-component-update --disable-sync --user-data-dir="$work/profile" --window-size="$2" \
    --virtual-time-budget=4000 --screenshot="$3" "file://$1" >/dev/null 2>&1
}

redis-server --port 7788 --save '' --dir "$work" >/dev/null &
redis=$!
sleep 1
./bin/mp trace -q --pid "$redis" --duration 9 -o "$work/redis.db" &
tracer=$!
sleep 2
redis-benchmark -p 7788 -n 15000 -q -t set,lpush,hset,zadd -d 200 -r 3000 >/dev/null 2>&1
wait "$tracer"
kill "$redis"
./bin/mp flamegraph -o "$work/redis.html" "$work/redis.db"
photograph "$work/redis.html" 1400,720 "$out/flamegraph.png"

cat >"$work/app.py" <<'END'
import json, os, re
class Store:
    def __init__(self):
        self.rows = []
    def load(self, count):
        for i in range(count):
            self.rows.append({"id": i, "name": "n%d" % i, "blob": bytes(700)})
    def dump(self):
        return json.dumps([{k: str(v) for k, v in row.items()} for row in self.rows])
def main():
    store = Store()
    store.load(1000)
    text = store.dump()
    return store, text, re.findall(r"\w+", text)
keep = main()
os._exit(0)
END
./bin/mp run -q --python /usr/bin/python3 -o "$work/python.db" "$work/app.py"
./bin/mp flamegraph -o "$work/python.html" "$work/python.db"
photograph "$work/python.html" 1280,800 "$out/python.png"

cat >"$work/indexer.py" <<'END'
import os, time
class Store:
    def __init__(self):
        self.rows = []
    def load(self, count):
        for _ in range(count):
            self.rows.append(bytearray(9000))
            time.sleep(0.002)
    def rebuild(self):
        index = [bytearray(6000) for _ in range(600)]
        time.sleep(0.3)
        return len(index)
def main():
    store = Store()
    store.load(300)
    store.rebuild()
    store.load(150)
    del store.rows[:200]
    time.sleep(0.3)
    store.load(200)
while not os.path.exists("gate"):
    time.sleep(0.1)
main()
END
(cd "$work" && exec /usr/bin/python3 indexer.py) &
indexer=$!
sleep 1
./bin/mp trace -q --pid "$indexer" -o "$work/indexer.db" &
tracer=$!
sleep 4
touch "$work/gate"
wait "$tracer"
./bin/mp flamegraph --temporal --from 50% --to 85% -o "$work/indexer.html" "$work/indexer.db"
npx tsx scripts/photograph.ts "$work/indexer.html" 1280 600 "$out/temporal.png"

cat >"$work/server.js" <<'END'
const http = require('node:http');

class Archive {
  #pages = [];

  add(text) {
    const page = Buffer.alloc(64 * 1024, text);
    this.#pages.push(page);
    return `${this.#pages.length}\n`;
  }
}

const archive = new Archive();
http.createServer((request, response) => response.end(archive.add(request.url))).listen(8123, '127.0.0.1');
END
node "$work/server.js" &
server=$!
sleep 1
./bin/mp trace -q --pid "$server" --duration 4 -o "$work/server.db" &
tracer=$!
sleep 2
for i in $(seq 200); do curl -s "http://127.0.0.1:8123/$i" >/dev/null; done
wait "$tracer"
kill "$server"
./bin/mp flamegraph --leaks -o "$work/server.html" "$work/server.db"
photograph "$work/server.html" 1280,700 "$out/javascript.png"

{
  echo '<body style="margin:0;background:#16181d;color:#d8dbe2"><pre style="margin:18px;font:13.5px/1.45 monospace">'
  mp=$PWD/bin/mp
  mkdir "$work/build" && ln -s "$PWD/build/demo" "$work/build/demo"
  for command in 'sudo mp run -o pipeline.db -- build/demo/pipeline' 'mp table --leaks -n 4 pipeline.db'; do
    printf '<b>$ %s</b>\n' "$command"
    # shellcheck disable=SC2086
    (cd "$work" && COLUMNS=112 "$mp" ${command#*mp } 2>&1) | sed 's/&/\&amp;/g; s/</\&lt;/g'
    echo
  done
} >"$work/terminal.html"
photograph "$work/terminal.html" 980,470 "$out/terminal.png"

cat >"$work/index.py" <<'END'
import random, threading, time

class Index:
    def __init__(self):
        self.words = {}

    def add(self, text):
        for word in text:
            self.words.setdefault(word, []).append(bytes(200))

class Cache:
    def __init__(self):
        self.pages = []

    def load(self):
        self.pages = [bytes(20_000) for _ in range(random.randrange(100, 900))]

def feed(index):
    while True:
        index.add(random.randrange(5000) for _ in range(600))
        time.sleep(0.05)

def refresh(cache):
    while True:
        cache.load()
        time.sleep(0.4)

threading.Thread(target=feed, args=(Index(),), name="feeder", daemon=True).start()
threading.Thread(target=refresh, args=(Cache(),), name="cache", daemon=True).start()
for i in range(60):
    print("request", i, "answered in", random.randrange(3, 40), "ms", flush=True)
    time.sleep(0.7)
END
tmux() { command tmux -S "$work/tmux" -f /dev/null "$@"; }
picture_of_terminal() { # PICTURE SIZE
  tmux capture-pane -e -p | npx tsx scripts/terminal-html.ts >"$work/live.html"
  photograph "$work/live.html" "$2" "$1"
}
LANG=C.UTF-8 NO_COLOR= tmux start-server ';' set -g default-terminal screen-256color ';' new-session -d -x 120 -y 32 sh
tmux send-keys "cd $work && $PWD/bin/mp run --live -o live.db --python /usr/bin/python3 index.py" Enter
sleep 25
tmux send-keys n o
sleep 3
picture_of_terminal "$out/live.png" 1030,560
tmux send-keys Enter
sleep 2
picture_of_terminal "$out/live-callers.png" 1030,560
tmux send-keys q C-c
sleep 5
tmux kill-server

cat >"$work/sessions.py" <<'PYTHON'
import time

class User:
    def __init__(self, name):
        self.name = name
        self.groups = ["users"]

class Session:
    def __init__(self, user):
        self.user = user
        self.began = time.time()
        self.pages = {"/": 1}

class Server:
    def __init__(self):
        self.users = {name: User(name) for name in ("ada", "grace", "linus")}
        self.sessions = []

    def login(self, name):
        self.sessions.append(Session(self.users[name]))

server = Server()
for number in range(300):
    server.login(("ada", "grace", "linus")[number % 3])
time.sleep(60)
PYTHON
cd "$work"
"$mp" run -q --trace-python-allocators --events -o sessions.db --python /usr/bin/python3 sessions.py &
sleep 5
target=$("$mp" sql --csv sessions.db 'SELECT pid FROM process' | tail -1 | tr -d '\r')
"$mp" objgraph --refs __main__.server --too-many 3 --max-depth 4 --sites -o objects.html "$target"
kill "$target"
wait
photograph "$work/objects.html" 1100,620 "$out/objects.png"
