"""Threads whose names python_threads_test.cc reads from outside.

Usage: start_threads.py named | changing LOG | forked | interpreters

Prints a line "PID TID NAME" for each thread, the name in hexadecimal, and "ready"; then it waits for lines on standard
input. "rename" gives the first threads other names and prints the lines of all threads again; "end" ends.
"""

import os
import sys
import threading
import _thread

threading.stack_size(65536)
sys.setswitchinterval(1e-5)
ended = threading.Event()


def say(*words):
    sys.stdout.write(" ".join(str(word) for word in words) + "\n")
    sys.stdout.flush()


def say_thread(native_id, name):
    say(os.getpid(), native_id, name.encode().hex() or "-")


class Early(threading.Thread):
    """Sets attributes before those of Thread."""

    def __init__(self, name):
        self.first = "first"
        self.second = {}
        self._later = None
        super().__init__(name=name, target=ended.wait)
        self.last = 1


class Many(threading.Thread):
    """Has more attributes than instances of one class share keys for."""

    def __init__(self, name):
        super().__init__(name=name, target=ended.wait)
        for i in range(40):
            setattr(self, "attribute%d" % i, i)


class Raised(threading.Thread, Exception):
    """Keeps its dict where exceptions have it."""

    def __init__(self, name):
        threading.Thread.__init__(self, name=name, target=ended.wait)


class Slots(threading.Thread):
    __slots__ = ("slot",)


class Own(threading.Thread):
    """Has had its dict replaced."""

    def __init__(self, name):
        super().__init__(name=name, target=ended.wait)
        self.__dict__ = dict(self.__dict__)


def start_named():
    wait = {"target": ended.wait}
    threads = [
        threading.Thread(name="ascii", **wait),
        threading.Thread(name="caf\xe9 \xff", **wait),
        threading.Thread(name="renamed later", **wait),
        threading.Thread(name="\u7dda\u7a0b", **wait),
        threading.Thread(name="\U0001f40d", **wait),
        threading.Thread(name="x" * 256, **wait),
        threading.Thread(name=" ", **wait),
        threading.Thread(name=5, **wait),
        threading.Thread(**wait),
        Early("early"),
        Early("early too"),
        Many("many"),
        Raised("raised"),
        Slots(name="slots", **wait),
        Own("own"),
        threading.Timer(10000, print),
    ]
    for kind in (threading.Thread, Early):
        asked = kind(name="asked") if kind is Early else kind(name="asked", **wait)
        vars(asked)["beside"] = 1
        threads.append(asked)
    lacking = Early("lacking")
    del lacking.first
    threads.append(lacking)
    threads += [threading.Thread(name="pool-%d" % i, **wait) for i in range(200)]
    for thread in threads:
        thread.daemon = True
        thread.start()
    threads[0].added = "when it runs"
    foreign = threading.Event()
    known = []

    def without_thread_object():
        known.append(threading.current_thread())
        foreign.set()
        ended.wait()

    _thread.start_new_thread(without_thread_object, ())
    foreign.wait()
    return threads + known + [threading.main_thread()]


def named():
    threads = start_named()
    while True:
        for thread in threads:
            say_thread(thread.native_id, thread.name)
        say("ready")
        if sys.stdin.readline() != "rename\n":
            os._exit(0)
        for i, thread in enumerate(threads[:20] + threads[-1:]):
            thread.name = "again %d \u20ac %s" % (i, thread.name[:200])


def changing(log_path):
    """Starts and ends threads, and changes names, until told to end. The log has every name of every thread."""
    log = os.open(log_path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    stopped = False

    def write_log(name):
        os.write(log, ("%d %s\n" % (threading.get_native_id(), name)).encode())

    def short(name):
        write_log(name)
        if len(name) % 3 == 0:
            me = threading.current_thread()
            write_log(name + " changed")
            me.name = name + " changed"

    def change_own_name():
        me = threading.current_thread()
        names = ["mutable", "mutable " * 20, "mutable \u20ac"]
        for name in names:
            write_log(name)
        while not stopped:
            for name in names:
                me.name = name

    def start(number):
        count = 0
        while not stopped:
            count += 1
            name = "short %d %d " % (number, count) + "x" * (count % 40)
            kind = Many if count % 5 == 0 else threading.Thread
            thread = kind(name=name)
            thread.run = lambda name=name: short(name)
            thread.start()
            if count % 4 == 0:
                thread.join()

    lasting = [threading.Thread(name="lasting %d" % i, target=ended.wait) for i in range(3)]
    workers = [threading.Thread(name="start %d" % i, target=start, args=(i,)) for i in range(2)]
    workers.append(threading.Thread(name="mutable", target=change_own_name))
    for thread in lasting + workers:
        thread.start()
        os.write(log, ("%d %s\n" % (thread.native_id, thread.name)).encode())
    write_log("MainThread")
    for thread in lasting:
        say_thread(thread.native_id, thread.name)
    say_thread(threading.get_native_id(), "MainThread")
    say("ready")
    sys.stdin.readline()
    stopped = True
    for thread in workers:
        thread.join()
    ended.set()


def forked():
    """A process forked by the main thread, one forked by another thread, and threads of those."""

    def in_child():
        thread = threading.Thread(name="of a child", target=ended.wait, daemon=True)
        thread.start()
        say_thread(os.getpid(), threading.current_thread().name)
        say_thread(thread.native_id, thread.name)
        os.read(0, 1)
        os._exit(0)

    def fork():
        if os.fork() == 0:
            in_child()

    fork()
    forking = threading.Thread(name="forking", target=fork)
    forking.start()
    forking.join()
    say_thread(threading.get_native_id(), "MainThread")


def interpreters():
    """A thread that is in another interpreter, where it has another name, and a thread of that interpreter."""
    try:
        import _interpreters
    except ImportError:
        import _xxsubinterpreters as _interpreters
    inner = """if True:
        import os, sys, threading
        def wait():
            name = threading.current_thread().name
            sys.stdout.write("%d %d %s\\n" % (os.getpid(), threading.get_native_id(), name.encode().hex()))
            sys.stdout.flush()
            os.read(PIPE, 1)
        threading.Thread(target=wait, name="within").start()
        os.read(PIPE, 1)
    """
    pipe = os.pipe()
    try:
        interpreter = _interpreters.create(isolated=False)  # an isolated one has no threads in 3.9 to 3.11
    except TypeError:
        interpreter = _interpreters.create()
    script = inner.replace("PIPE", str(pipe[0]))
    outer = threading.Thread(name="outer", target=_interpreters.run_string, args=(interpreter, script), daemon=True)
    outer.start()
    say_thread(outer.native_id, outer.name)
    say_thread(threading.get_native_id(), "MainThread")


mode = sys.argv[1]
if mode == "named":
    named()
elif mode == "changing":
    changing(sys.argv[2])
elif mode == "forked":
    forked()
    sys.stdin.readline()
else:
    interpreters()
    sys.stdin.readline()
    os._exit(0)
