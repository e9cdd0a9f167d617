"""Holds objects that the garbage collector does not track, where nothing that it knows leads to them.

A thousand each of str, int, float and bytes are held by Elements, a C type; a thousand more of each are freed. Those
of str, int and bytes have a size that what comes later has not. Its standard output is one line of JSON: for each type the
size of one, the addresses of those that are held, and of those that were freed. Then it stays as it is until it is
killed.
"""
import gc
import json
import os
import signal
import sys
from _elementtree import Element

COUNT = 1000
MAKERS = {
    "str": lambda i: ("%d" % i).rjust(433, "s"),
    "int": lambda i: 10**900 + i,
    "float": lambda i: i + 0.5,
    "bytes": lambda i: b"%433d" % i,
}

stated = {}
elements = []
for name, make in MAKERS.items():
    held, freed, dropped = [], [], []
    size = 0
    for i in range(COUNT):
        element = Element("a")
        element.text = make(i)
        dropped.append(make(i))
        held.append(id(element.text))
        freed.append(id(dropped[-1]))
        size = sys.getsizeof(element.text)
        elements.append(element)
    dropped.clear()
    stated[name] = {"size": size, "held": held, "freed": freed}
del element, dropped
gc.collect()
os.write(1, (json.dumps(stated) + "\n").encode())
signal.pause()
