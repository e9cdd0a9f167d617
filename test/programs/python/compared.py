"""States what objgraph finds in this process, for those who look at it from outside.

    __main__.sessions   a list of five Sessions, each with a list and a dict of its own

One line of JSON: `types`, objects by type; `chain`, addresses and types from the module to the fourth Session. For every
SIGUSR1 ten Sessions come in addition, and a line: `growth`, the types of which there are more than ever before, as
[name, count, delta]. The process then stays in the state that the line describes: nothing that the garbage collector
tracks is made by stating it, or it has been made before.
"""
import gc
import json
import os
import signal

import objgraph


class Session:
    def __init__(self, number):
        self.lines = [[number]]
        self.fields = {"number": [number]}


def chain():
    found = objgraph.find_backref_chain(sessions[3], objgraph.is_proper_module)
    return [[id(one), type(one).__name__] for one in found]


def say(line):
    os.write(1, (line + "\n").encode())


gc.disable()
waited = {signal.SIGUSR1}
signal.pthread_sigmask(signal.SIG_BLOCK, waited)
sessions = [Session(i) for i in range(5)]
peaks = {}
before, types, line, way = {}, {"": 0}, "", ""
while before != types:
    before = types
    way = json.dumps(chain())
    line = json.dumps(objgraph.growth(limit=None, peak_stats=peaks))
    gc.collect()
    types = objgraph.typestats()
    line = json.dumps(types)
while True:
    say('{"types": %s, "chain": %s}' % (line, way) if way else '{"growth": %s}' % line)
    way = ""
    signal.sigwait(waited)
    sessions.extend(Session(i) for i in range(10))
    line = json.dumps(objgraph.growth(limit=None, peak_stats=peaks))
