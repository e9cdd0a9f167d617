"""
What the Python targets share, as gate.h for the C programs: the gate, and how they state their truth.

Gate.  With MP_GATE=FILE in its environment a program waits until FILE exists; without, it goes on at once.

Truth.  With the argument `state` a program goes the same ways, but prints at each site the stack that CPython itself
sees there instead of allocating: one JSON object a line, with the frames innermost first as [function, file, line].
Otherwise it allocates and prints "ok". So the truth needs no line numbers by hand, and holds for every version.
"""
import functools
import json
import mmap
import os
import sys
import threading
import time

STATES = sys.argv[1:] == ["state"]


def wait_for_gate():
    gate = os.environ.get("MP_GATE")
    while gate and not STATES and not os.path.exists(gate):
        time.sleep(0.001)


def function_of(code):
    """Qualified where the interpreter keeps that: from 3.11."""
    return getattr(code, "co_qualname", code.co_name)


def stack_from(frame):
    """Innermost first. To be asked for in time: a frame goes on to other lines."""
    stack = []
    while frame:
        stack.append([function_of(frame.f_code), frame.f_code.co_filename, frame.f_lineno])
        frame = frame.f_back
    return stack


def print_site(stack, allocator, size, modules=(), **more):
    site = {"allocator": allocator, "bytes": size, "thread": threading.current_thread().name, "modules": modules}
    print(json.dumps({**site, **more, "frames": stack}))


def stated(allocator, size, modules=()):
    """
    For a line that says `stated("malloc", 1234) or extension.function()`: whether the site has been stated.
    `size` None: how much is the extension's business. Modules: native frames of each lie between Python and allocator.
    """
    if STATES:
        print_site(stack_from(sys._getframe(1)), allocator, size, modules)
    return STATES


def state_mapping(size):
    print_site(stack_from(sys._getframe(1)), "mmap", size)


# One mmap of `size` bytes at the line of the call. No Python function, so that no frame is added.
allocate = state_mapping if STATES else functools.partial(mmap.mmap, -1)


def finish():
    if not STATES:
        print("ok")
