"""A process that ends at once: an mmap of 4321 bytes at a known line, and no exit handlers. Prints its truth with `state`."""
import os
import sys

from sites import allocate


def last_words():
    return allocate(4321)


last_words()
sys.stdout.flush()
os._exit(0)
