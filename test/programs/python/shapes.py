"""
One mmap of an odd size, its own, in every kind of Python frame. Prints its truth when it is run with `state`.

Functions called called_by_… are called by native code: native frames lie between them and their Python caller.
"""
import asyncio
import contextlib
import functools
import threading
import time

from sites import allocate, finish, wait_for_gate

wait_for_gate()


def generator():
    yield 1
    yield allocate(100_001)


def delegating_generator():
    yield from generator()


async def after_sleep():
    await asyncio.sleep(0.001)
    return allocate(100_003)


def called_by_timer(done):
    allocate(100_005)
    done.set_result(None)


async def coroutines():
    loop = asyncio.get_running_loop()
    done = loop.create_future()
    loop.call_later(0.001, called_by_timer, done)
    await done
    await asyncio.gather(asyncio.create_task(after_sleep()), after_wake())
    async for _ in async_generator():
        pass


async def after_wake():
    async with asyncio.Lock():
        await asyncio.wait_for(asyncio.sleep(0), 1)
        allocate(100_007)


async def async_generator():
    await asyncio.sleep(0)
    yield allocate(100_009)


def comprehensions():
    [allocate(size) for size in (100_011,)]
    [[allocate(size + 1) for size in (row,)] for row in (100_012,)]
    list(allocate(size) for size in (100_015,))
    {size: allocate(size) for size in (100_017,)}


def called_by_sorted(size):
    allocate(size)
    return size


def callbacks():
    sorted([100_019], key=called_by_sorted)
    list(map(lambda size: allocate(size), [100_021]))
    (lambda: allocate(100_023))()
    functools.reduce(lambda _, size: allocate(size), [100_025], None)


def decorated_with(size):
    def decorator(function):
        @functools.wraps(function)
        def wrapper(*args):
            allocate(size)
            return function(*args)

        return wrapper

    return decorator


@decorated_with(100_027)
@decorated_with(100_029)
def decorated():
    allocate(100_031)


class Outer:
    allocate(100_033)

    def method(self):
        return allocate(100_035)

    @classmethod
    def of_class(cls):
        return allocate(100_037)

    @staticmethod
    def without_class():
        return allocate(100_039)

    @property
    def attribute(self):
        return allocate(100_041)

    class Inner:
        def __init__(self):
            def closure():
                return allocate(100_043)

            closure()

        def __del__(self):
            allocate(100_045)

        def __getattr__(self, name):
            return allocate(100_047)


def classes():
    outer = Outer()
    outer.method()
    outer.of_class()
    outer.without_class()
    outer.attribute
    inner = outer.Inner()
    inner.missing
    del inner


class Made:
    def __init__(self, size):
        if size:
            allocate(size)


def often_made():
    """From 3.13 on the interpreter sees, after a while, which class it is, and runs __init__ itself."""
    for number in range(100):
        Made(100_133 if number == 99 else 0)


kept = {"allocate": allocate}


def executed_code():
    """Code with names of its own; its memory is given back and used again by the next."""
    for number in range(8):
        source = f"def made_{number}():\n" + "\n" * 40 * number + f"    return allocate({100_101 + 2 * number})\n"
        made = {"allocate": allocate}
        exec(compile(source + f"made_{number}()", f"/made/up/{number}.py", "exec"), made)
        del made
    long = "\n" * 300 + "def far():\n" + "    x = 1\n" * 700 + "    if x:\n        return allocate(100_121)\n"
    exec(compile(long + "\n" * 200 + "far()", "/made/up/far.py", "exec"), {"allocate": allocate})
    eval("allocate(100_123)")
    many = "def longest(x):\n" + "    x = x or 1\n" * 5000 + "    return allocate(100_131)\n"
    exec(compile(many + "longest(0)", "/made/up/longest.py", "exec"), kept)  # its line table is read a moment later
    for number, name in enumerate(["größe", "名前", "𠀀"]):
        source = f"def {name}():\n  return allocate({100_125 + 2 * number})\n{name}()"
        exec(compile(source, f"/made/up/{name}.py", "exec"), {"allocate": allocate})


def recursion(depth):
    if depth == 1:
        return allocate(100_051)
    return recursion(depth - 1)


@contextlib.contextmanager
def context():
    try:
        yield
    finally:
        allocate(100_053)


def exceptions():
    try:
        with context():
            raise ValueError("expected")
    except ValueError:
        allocate(100_055)
    else:
        raise AssertionError
    finally:
        allocate(100_057)
    try:
        int("no number")
    except (
        TypeError,
        ValueError,
    ) as error:
        allocate(
            100_059 if str(error)
            else 0
        )


def many_lines():
    for size in (
        100_061,
    ):
        first, second = (
            allocate(size),
            [
                allocate(size + 2),
            ],
        )
    while allocate(100_065) is not None and size == 0:
        pass


def in_thread(size):
    allocate(size)
    time.sleep(0.1)  # names are read while threads run


def threads():
    for number in range(3):
        thread = threading.Thread(target=in_thread, args=(100_071 + 2 * number,), name=f"loader {number}")
        thread.start()
        thread.join()


list(delegating_generator())
asyncio.run(coroutines())
comprehensions()
callbacks()
decorated()
classes()
often_made()
executed_code()
recursion(500)
exceptions()
many_lines()
threads()
allocate(100_081)
finish()
