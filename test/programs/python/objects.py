"""
Objects that are made at known lines, for `--trace-python-allocators`.

A line that ends in `# NAME: M made, K kept` allocates M blocks, K of which are never freed; one that ends in `# NAME`
allocates what this version of CPython needs. With the argument `state` all of it is done under tracemalloc, which then
says for each line how much is live: {"line": …, "blocks": …, "bytes": …}. Nothing else is imported: with the option
an import is tens of thousands of objects, each of them recorded.

"ok" is said with everything still held, and nothing is freed after it: the end is `os._exit`. A program that began
behind a gate lives on until its gate is removed.
"""
import gc
import os
import sys
import time

STATES = sys.argv[1:] == ["state"]
if STATES:
    import tracemalloc  # here, for what its import leaves to be used again

GATE = os.environ.get("MP_GATE")
NUMBERS = list(range(1_000))  # loops over them make no numbers
HUNDRED = NUMBERS[:100]
MORE = NUMBERS[:300]
LARGE = b"x" * 401


class Slots:
    __slots__ = ("a", "b")


def make_slots(rows):
    for row in rows:
        for i in NUMBERS:
            row[i] = Slots()  # slots: 100000 made, 100000 kept


def make_freed_slots(rows):
    for row in rows:
        for i in NUMBERS:
            row[i] = Slots()  # freed slots: 10000 made, 0 kept
    free(rows)


def make_zeroed(rows):
    for row in rows:
        for i in NUMBERS:
            row[i] = bytes(77)  # zeroed: 2000 made, 2000 kept


def make_tuples(rows):
    for row in rows:
        for i in NUMBERS:
            row[i] = (i, row, None)  # tuples: 2000 made, 2000 kept


def make_dicts(rows):
    for row in rows:
        for i in NUMBERS:
            row[i] = {"number": i, "of": row}  # dicts


# From here on blocks of more than 512 bytes, which pymalloc passes on to malloc.


def make_large(rows):
    for row in rows:
        for i in NUMBERS:
            row[i] = LARGE * 3  # large: 2000 made, 2000 kept


def make_freed_large(rows):
    for row in rows:
        for i in NUMBERS:
            row[i] = LARGE * 5  # freed large: 3000 made, 0 kept
    free(rows)


def make_zeroed_large(rows):
    for row in rows:
        for i in NUMBERS:
            row[i] = bytes(1_001)  # zeroed large: 2000 made, 2000 kept


def grow(rows):
    for row in rows:
        for i in HUNDRED:
            row[i] = []
            for number in MORE:
                row[i].append(number)  # grown


def shrink(rows):
    for row in rows:
        for i in HUNDRED:
            row[i] = MORE[:]  # to be shrunk
            del row[i][20:]  # shrunk


def free(rows):
    for row in rows:
        for i in NUMBERS:
            row[i] = None


# How many rows of 1,000 places each of them fills.
STEPS = {make_slots: 100, make_freed_slots: 10, make_zeroed: 2, make_tuples: 2, make_dicts: 2}
STEPS.update({make_large: 2, make_freed_large: 3, make_zeroed_large: 2, grow: 1, shrink: 1})
taken = []
KEPT = [(make, [[None] * 1_000 for _ in range(rows)]) for make, rows in STEPS.items()]


def work():
    for make, rows in KEPT:
        make(rows)


def empty_free_lists():
    """CPython uses again what was freed: more than any version keeps of tuples of one size, dicts and lists."""
    taken.extend([(i, i, i) for i in range(2_100)])
    taken.extend([({"number": i, "of": i}, [i]) for i in range(100)])
    bytes(1)  # before 3.11 it leaves the tuple of its arguments for the next call


def print_live():
    for found in tracemalloc.take_snapshot().statistics("lineno"):
        if found.traceback[0].filename == __file__:
            print('{"line": %d, "blocks": %d, "bytes": %d}' % (found.traceback[0].lineno, found.count, found.size))


gc.disable()
while GATE and not os.path.exists(GATE):
    time.sleep(0.001)
empty_free_lists()
if STATES:
    tracemalloc.start()
    work()
    print_live()
else:
    work()
    print("ok")
sys.stdout.flush()
while GATE and os.path.exists(GATE):
    time.sleep(0.01)
os._exit(0)
