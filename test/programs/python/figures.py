"""States figures of its own heap, and stays as it is.

Its standard output begins with a line of JSON: `tracked` is the number of objects that the garbage collector tracks. Then
sys._debugmallocstats() writes what pymalloc holds to standard error, where a line "stated" ends it. On SIGUSR1 it interns
10,000 strings, says "interned" and stays again.
"""
import gc
import json
import os
import signal
import sys

INTERNED = 10_000
wanted = {signal.SIGUSR1}
signal.pthread_sigmask(signal.SIG_BLOCK, wanted)

# arenas that are no more in use, pools that are free, and free blocks in others
held = [[str(i), {i: i}] for i in range(20_000)]
dropped = [b"x" * (i % 400) for i in range(100_000)]
del dropped
del held[::3]

names = ["interned string %d" % i for i in range(INTERNED)]
for attempt in range(3):
    gc.collect()
    line = json.dumps({"tracked": len(gc.get_objects())}) + "\n"
os.write(1, line.encode())
sys._debugmallocstats()
os.write(2, b"stated\n")
signal.sigwait(wanted)
names = [sys.intern(name) for name in names]
os.write(1, b"interned\n")
signal.sigwait(wanted)
