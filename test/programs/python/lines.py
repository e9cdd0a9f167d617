"""Holds objects of types without a free list, each made at a line that ends in `# NAME: N TYPE`.

Those of `early` are made at once; the others when the gate (MP_GATE, if there is one) is open. "ok" and its
pid are said when all are there, and they stay until the process is killed, for two minutes at most. Nothing is imported
that the interpreter does not hold already: with every object recorded an import takes long.
"""
import posix
import sys
import time


class Slotted:
    __slots__ = ("value",)


class Plain:
    pass


def make_slotted(count):
    return [Slotted() for _ in range(count)]  # slotted: 3000 __main__.Slotted


def make_plain(count):
    return [Plain() for _ in range(count)]  # plain: 2000 __main__.Plain


def make_bytes(count):
    return [bytes(600 + i) for i in range(count)]  # bytes: 1000 bytes


early = [Slotted() for _ in range(500)]  # early: 500 __main__.Slotted
sys.stdout.write("early\n")
sys.stdout.flush()
gate = posix.environ.get(b"MP_GATE")
while gate and gate.rsplit(b"/", 1)[1] not in posix.listdir(gate.rsplit(b"/", 1)[0]):
    time.sleep(0.01)
late = [make_slotted(3000), make_plain(2000), make_bytes(1000)]
sys.stdout.write("ok %d\n" % posix.getpid())
sys.stdout.flush()
time.sleep(120)
