"""Allocates blocks that are neither shared nor taken from a free list, and ends with all of them live.

`agrees.py traced` counts them with tracemalloc and prints, as JSON, bytes and blocks by line; `agrees.py` prints `ok`.
Only lines with a mark count: others belong to the interpreter's own work.
"""

import os
import sys

IS_TRACED = sys.argv[1:] == ['traced']
if IS_TRACED:
    import json
    import tracemalloc

    tracemalloc.start(1)

kept = [None] * 4000
kept.clear()


def text_of(i):
    return 'x' * (600 + i)  # counts


def blocks():
    for i in range(200):
        kept.append(bytes(1000 + i))  # counts
    kept.append(bytearray(300000))  # counts
    for i in range(300):
        kept.append(text_of(i))
    for i in range(50):
        kept.append(bytes(513) + bytes(i))  # counts


blocks()
if IS_TRACED:
    with open(__file__) as source:
        marked = [number for number, line in enumerate(source, 1) if '# ' 'counts' in line]
    only = tracemalloc.Filter(True, __file__)
    rows = tracemalloc.take_snapshot().filter_traces([only]).statistics('lineno')
    found = {row.traceback[0].lineno: [row.size, row.count] for row in rows}
    print(json.dumps({line: found[line] for line in marked}), flush=True)
else:
    os.write(1, b'ok\n')
os._exit(0)
