"""
Allocates at a chosen depth of Python frames. It obeys one command per line on standard input, answers each with "done",
and ends at the end of input:

    FRAMES COUNT      COUNT times a bytearray of 1000 bytes, with FRAMES Python frames on the stack, the module's included

1000 bytes are too many for Python's own allocator: each is one malloc. From 3.11 on a call of a Python function takes no
frame of the native stack, which therefore is the same at every depth.
"""

import sys

# <module>, main, allocate: frames besides descend()
OTHER_FRAMES = 3


def allocate(count):
    for _ in range(count):
        bytearray(1000)


def descend(frames, count):
    if frames > 1:
        descend(frames - 1, count)
    else:
        allocate(count)


def main():
    for line in sys.stdin:
        frames, count = map(int, line.split())
        descend(frames - OTHER_FRAMES, count)
        print("done", flush=True)


main()
