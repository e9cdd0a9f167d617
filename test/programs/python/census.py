"""States what it holds in memory: all objects that its garbage collector tracks, by type.

Its standard output is one line of JSON, {"module.qualname count": n, "module.qualname size": bytes by sys.getsizeof};
then it stays in the state that the line describes until it is killed. Nothing that the census itself
makes is tracked then: a dict of str and int is not, the list of all objects is not in itself. What one census leaves
behind, another one finds.
"""
import array
import asyncio
import collections
import decimal
import enum
import functools
import gc
import io
import itertools
import os
import re
import signal
import sys
import types
import weakref


class Plain:
    def __init__(self, number):
        self.number = number
        self.items = [number] * (number % 7)


class Odd(Plain):
    """Its instances have attributes of their own, not only the common ones."""

    def __init__(self, number):
        super().__init__(number)
        setattr(self, "own%d" % number, number)


class Slots:
    __slots__ = ("first", "second")

    def __init__(self, number):
        self.first = [number]
        self.second = None


class Both(Slots):
    def __init__(self, number):
        super().__init__(number)
        self.third = {number: self}


class Color(enum.IntEnum):
    RED = 1
    GREEN = 2


class Text(str):
    pass


class Number(int):
    pass


class Pair(tuple):
    pass


class Dict(dict):
    pass


class List(list):
    pass


class Meta(type):
    pass


class Made(metaclass=Meta):
    pass


class Failure(Exception):
    pass


def generator(number):
    local = [number]
    yield local
    yield number


async def coroutine():
    await asyncio.sleep(0)


def outer(number):
    held = [number]

    def inner():
        return held

    return inner


Point = collections.namedtuple("Point", "x y")

held = [Plain(i) for i in range(100)] + [Odd(i) for i in range(40)] + [Slots(i) for i in range(50)]
held += [Both(i) for i in range(30)] + [Made(), Color.RED, Text("text"), Text("t\u00e4xt \u4e16"), Number(0), Number(10**40)]
held += [Pair((1, 2, [])), Dict(a=[]), Dict(), List([1, 2]), Point([], 1), Failure("text", [])]
held += [generator(i) for i in range(5)] + [outer(i) for i in range(10)]
held += [{i: [] for i in range(n)} for n in (0, 1, 5, 6, 10, 11, 100, 1000)] + [dict.fromkeys(range(100000), [])]
held += [{str(i): [] for i in range(n)} for n in (1, 5, 6, 10, 11, 100, 1000)]
held += [set(range(n)) for n in (0, 4, 5, 100, 1000)] + [frozenset([(1, ())]), frozenset(range(100))]
held += [collections.deque(range(n)) for n in (0, 1, 31, 32, 33, 64, 65, 1000)]
held += [collections.OrderedDict((i, []) for i in range(n)) for n in (0, 1, 5, 100)]
held += [collections.defaultdict(list, {1: []}), collections.Counter("text"), types.SimpleNamespace(a=[])]
held += [array.array("d", range(100)), array.array("b"), memoryview(bytearray(100)), bytearray(1000)]
held += [functools.partial(print, []), functools.lru_cache(outer), itertools.repeat([]), iter([]), iter({}), zip([], [])]
held += [weakref.ref(held[0]), weakref.WeakValueDictionary(), weakref.WeakSet(), weakref.proxy(held[1])]
held += [io.StringIO("text"), io.BytesIO(b"bytes"), open(os.devnull), re.compile("(a+)b*"), re.match("a", "a")]
held += [property(outer), classmethod(outer), staticmethod(outer), slice([], 1), Plain.__init__, held[0].__init__]
held += [range(10), iter(range(10)), types.MappingProxyType({1: []}), super(Odd, held[100]), sys.modules, object()]
held += [decimal.Decimal(10) ** 100, 1.5, 2 + 3j, 10**100, "text", "t\u00e4xt", "\u4e16", "\U0001f600" * 100, b"bytes", None]
held[0].__dict__, held[50].__dict__
del held[3].items
for one in held[205:210]:
    vars(held[10])
waiting = coroutine()
waiting.send(None)
started = generator(1)
next(started)
deep = []
for one in range(1000):
    deep = [deep]
deep.append(deep)

totals = {}
line = one = kind = name = size = ""
for attempt in range(3):
    gc.collect()
    gc.disable()
    totals.clear()
    for one in gc.get_objects():
        kind = type(one)
        name = kind.__module__ + "." + kind.__qualname__
        size = sys.getsizeof(one)
        totals[name + " count"] = totals.get(name + " count", 0) + 1
        totals[name + " size"] = totals.get(name + " size", 0) + size
    one = kind = None
    line = "{"
    for name in totals:
        line += '"%s": %d, ' % (name, totals[name])
os.write(1, (line[:-2] + "}\n").encode())
signal.pause()
