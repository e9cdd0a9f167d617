"""
Extensions of the standard library that allocate: the line that calls them is exact, and native frames of the extension
lie between it and the allocator. Prints its truth when it is run with `state`.
"""
import _ctypes
import _sqlite3
import ctypes
import os
import sqlite3
import sys
import zlib

from sites import finish, stated, wait_for_gate


def path_of(extension):
    """A build may have an extension in the interpreter itself."""
    return os.path.realpath(getattr(extension, "__file__", sys.executable))


BYTES_HEADER = sys.getsizeof(b"")  # the object's own part of a bytes object, and the zero at its end

PACKED = zlib.compress(b"x" * 100)  # unpacked it is an object too small for the system allocator
CTYPES, SQLITE, ZLIB = path_of(_ctypes), path_of(_sqlite3), path_of(zlib)
c_library = ctypes.CDLL(None)
c_library.malloc.argtypes = [ctypes.c_size_t]
c_library.malloc.restype = ctypes.c_void_p
database = sqlite3.connect(":memory:")
kept = []


def compress():
    kept.append(stated("malloc", None, ["/libz.so", ZLIB]) or zlib.compressobj(9))


def decompress():
    kept.append(stated("malloc", 300_007 + BYTES_HEADER, [ZLIB]) or zlib.decompress(PACKED, bufsize=300_007))


def foreign_call():
    kept.append(stated("malloc", 400_009, ["/libffi.so", CTYPES]) or c_library.malloc(400_009))


def foreign_array():
    kept.append(stated("malloc", 410_011, [CTYPES]) or (ctypes.c_char * 410_011)())


def query():
    kept.append(stated("malloc", 500_013 + BYTES_HEADER, [SQLITE]) or list(database.execute("SELECT zeroblob(500013)")))


def called_by_sqlite(size):
    stated("calloc", 600_015 + BYTES_HEADER) or bytes(size)
    return size


def query_that_calls():
    database.create_function("called_by_sqlite", 1, called_by_sqlite)
    database.execute("SELECT called_by_sqlite(600015)").fetchall()


wait_for_gate()
compress()
decompress()
foreign_call()
foreign_array()
query()
query_that_calls()
finish()
