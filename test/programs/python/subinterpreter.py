"""
One mmap in a subinterpreter, by code that is no file: its frames are stated here, not taken from the interpreter.
"""
import sys

from sites import STATES, finish, print_site, wait_for_gate

wait_for_gate()

CODE = """
import mmap

def within(size):
    return mmap.mmap(-1, size)

kept = within(100_091)
"""


def run_in_another():
    try:
        import _interpreters as interpreters
    except ImportError:
        import _xxsubinterpreters as interpreters
    if sys.version_info >= (3, 13):
        interpreter = interpreters.create("legacy")  # mmap can't be imported in an isolated one
    elif sys.version_info >= (3, 9):
        interpreter = interpreters.create(isolated=False)
    else:
        interpreter = interpreters.create()
    interpreters.run_string(interpreter, CODE)


if STATES:
    print_site([["within", "<string>", 5], ["<module>", "<string>", 7]], "mmap", 100_091)
else:
    run_in_another()
finish()
