"""40 MiB of bytearrays and 15 MiB of shared memory, all of it touched. Says "ready", and waits until the gate is
gone; see ../resident.c.
"""

import mmap
import os
import time

MIB = 1 << 20


def wait_until_gate(exists):
    while "MP_GATE" in os.environ and os.path.exists(os.environ["MP_GATE"]) != exists:
        time.sleep(0.001)


wait_until_gate(True)
kept = [bytearray(b"x") * MIB for _ in range(40)]
shared = mmap.mmap(-1, 15 * MIB)
shared.write(b"x" * (15 * MIB))
print("ready", "{}", flush=True)
wait_until_gate(False)
