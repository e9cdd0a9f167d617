"""Threads make and drop objects of many kinds, as fast as they can, while the garbage collector runs often.

At SIGUSR1 it writes "ok" and ends.
"""
import collections
import gc
import os
import signal
import threading

THREADS = 4


class Item:
    def __init__(self, number):
        self.number = number
        self.text = str(number) * 3
        self.items = [self, (number, {number: b"bytes"})]


def work(seed):
    held = collections.deque(maxlen=2000)
    number = seed
    while not is_ending.is_set():
        number = (number * 1103515245 + 12345) % 2**31
        held.append(Item(number))
        held.append({str(i): [i] for i in range(number % 20)})
        held.append(bytearray(number % 5000))


gc.set_threshold(500)
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
is_ending = threading.Event()
threads = [threading.Thread(target=work, args=(seed,)) for seed in range(THREADS)]
for thread in threads:
    thread.start()
os.write(1, b"{}\n")
signal.sigwait({signal.SIGUSR1})
is_ending.set()
for thread in threads:
    thread.join()
os.write(1, b"ok\n")
