"""Holds structures whose references and sizes it states.

    __main__.cache      a dict of a million bytes in ten values, all different, one of them under two keys
    __main__.sessions   a list of five Sessions, each with a Slotted as `.state` and `.owner`, which leads back to the list
    a cycle             two Nodes that refer to each other, and that nothing else leads to

For every SIGUSR1 ten Sessions come in addition, and a line is written: one of JSON, with the deep size of the cache in
bytes and the number of Sessions. The first line is written at once.
"""
import gc
import json
import os
import signal
import sys


class Slotted:
    __slots__ = ("payload",)

    def __init__(self, payload):
        self.payload = payload


class Session:
    def __init__(self, owner, number):
        self.owner = owner
        self.state = Slotted([number])


class Node:
    pass


gc.disable()
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
cache = {"key %d" % i: bytes(100000 + i) for i in range(10)}
cache["again"] = cache["key 0"]
sessions = []
sessions.extend(Session(sessions, i) for i in range(5))
first, second = Node(), Node()
first.other, second.other = second, first
del first, second

cache_size = sys.getsizeof(cache) + sum(map(sys.getsizeof, cache)) + sum(map(sys.getsizeof, set(cache.values())))
while True:
    os.write(1, (json.dumps({"cache": cache_size, "sessions": len(sessions)}) + "\n").encode())
    signal.sigwait({signal.SIGUSR1})
    sessions.extend(Session(sessions, i) for i in range(10))
