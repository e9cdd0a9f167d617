"""
Objects that are made at known lines, for `--trace-python-allocators`.

A line that ends in `# NAME: M made, K kept` allocates M blocks, K of which are never freed; one that ends in `# NAME`
allocates what this version of CPython needs. With the argument `state` all of it is done under tracemalloc, which then
says for each line how much is live: {"line": …, "blocks": …, "bytes": …}.

"ok" is said with everything still held, and nothing is freed after it: the end is `os._exit`. A program that began
behind a gate lives on until its gate is removed.
"""
import gc
import json
import os
import sys
import time
import tracemalloc

from sites import STATES, finish, wait_for_gate

FREE_LIST = 2_100  # more than any version keeps of freed tuples, lists or dicts to use them again
NUMBERS = list(range(100_000))  # loops over them make no numbers
LARGE = b"x" * 401


class Slots:
    __slots__ = ("a", "b")


def make_slots(kept):
    for i in NUMBERS:
        kept[i] = Slots()  # slots: 100000 made, 100000 kept


def make_freed_slots(kept):
    for i in NUMBERS[:20_000]:
        kept[i] = Slots()  # freed slots: 20000 made, 0 kept
    for i in NUMBERS[:20_000]:
        kept[i] = None


def make_zeroed(kept):
    for i in NUMBERS[:2_000]:
        kept[i] = bytes(77)  # zeroed: 2000 made, 2000 kept


def make_tuples(kept):
    for i in NUMBERS[:2_000]:
        kept[i] = (i, kept, None)  # tuples: 2000 made, 2000 kept


def make_dicts(kept):
    for i in NUMBERS[:2_000]:
        kept[i] = {"number": i, "of": kept}  # dicts


# From here on blocks of more than 512 bytes, which pymalloc passes on to malloc.


def make_large(kept):
    for i in NUMBERS[:2_000]:
        kept[i] = LARGE * 3  # large: 2000 made, 2000 kept


def make_freed_large(kept):
    for i in NUMBERS[:5_000]:
        kept[i] = LARGE * 5  # freed large: 5000 made, 0 kept
    for i in NUMBERS[:5_000]:
        kept[i] = None


def make_zeroed_large(kept):
    for i in NUMBERS[:2_000]:
        kept[i] = bytes(1_001)  # zeroed large: 2000 made, 2000 kept


def grow(kept):
    for i in NUMBERS[:100]:
        kept[i] = []
        for number in NUMBERS[:300]:
            kept[i].append(number)  # grown


def shrink(kept):
    for i in NUMBERS[:100]:
        kept[i] = NUMBERS[:300]  # to be shrunk
        del kept[i][20:]  # shrunk


def work():
    for make in STEPS:
        make(KEPT[make])


STEPS = [make_slots, make_freed_slots, make_zeroed, make_tuples, make_dicts]
STEPS += [make_large, make_freed_large, make_zeroed_large, grow, shrink]
KEPT = {make: [None] * len(NUMBERS) for make in STEPS}

gc.disable()
Slots()
emptied_free_lists = [((i, i, i), {"number": i, "of": i}, [i]) for i in range(FREE_LIST)]
wait_for_gate()
if STATES:
    tracemalloc.start()
    work()
    for found in tracemalloc.take_snapshot().statistics("lineno"):
        if found.traceback[0].filename == __file__:
            print(json.dumps({"line": found.traceback[0].lineno, "blocks": found.count, "bytes": found.size}))
else:
    work()
finish()
sys.stdout.flush()
while os.path.exists(os.environ.get("MP_GATE", "")):
    time.sleep(0.01)
os._exit(0)
