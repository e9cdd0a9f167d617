"""write_core.py PID FILE [PREFIX]: writes a core file of a process that does not change meanwhile.

It keeps what the kernel would by default (core(5), coredump_filter): memory that is written to or that no file has, and
the first page of what is mapped from a file. PREFIX is put in front of the names of the mapped files, as if the process
had run where these are elsewhere.
"""
import os
import re
import struct
import sys

PAGE = 4096
PT_LOAD, PT_NOTE = 1, 4
NT_PRSTATUS, NT_AUXV, NT_FILE = 1, 6, 0x46494C45
READ, WRITE, EXECUTE = 4, 2, 1
LINE = re.compile(rb"(\w+)-(\w+) (...)(.) (\w+) \S+ (\d+) *(.*)")


def note(kind, content):
    padding = bytes(-len(content) % 4)
    return struct.pack("<3L8s", 5, len(content), kind, b"CORE") + content + padding


def file_note(mappings, prefix):
    named = [mapping for mapping in mappings if mapping[4].startswith(b"/")]
    words = [len(named), PAGE]
    for start, end, _, offset, _ in named:
        words += [start, end, offset // PAGE]
    return struct.pack("<%dQ" % len(words), *words) + b"".join(prefix + path + b"\0" for *_, path in named)


pid, output = int(sys.argv[1]), sys.argv[2]
prefix = os.fsencode(sys.argv[3]) if len(sys.argv) > 3 else b""
mappings = []
with open("/proc/%d/maps" % pid, "rb") as lines:
    for line in lines:
        start, end, access, _, offset, _, path = LINE.match(line).groups()
        flags = sum(bit for bit, letter in ((READ, b"r"), (WRITE, b"w"), (EXECUTE, b"x")) if letter in access)
        if not path.startswith(b"[v"):  # of the kernel's own, some can't be read
            mappings.append((int(start, 16), int(end, 16), flags, int(offset, 16), path))
with open("/proc/%d/auxv" % pid, "rb") as auxiliary:
    vector = auxiliary.read()
status = bytearray(336)  # struct elf_prstatus
struct.pack_into("<i", status, 32, pid)
notes = note(NT_PRSTATUS, bytes(status)) + note(NT_AUXV, vector) + note(NT_FILE, file_note(mappings, prefix))

identification = b"\x7fELF\2\1\1" + bytes(9)
offset = 64 + 56 * (len(mappings) + 1)
headers = identification + struct.pack("<2HL3QL6H", 4, 62, 1, 0, 64, 0, 0, 64, 56, len(mappings) + 1, 0, 0, 0)
headers += struct.pack("<2L6Q", PT_NOTE, 0, offset, 0, 0, len(notes), 0, 4)
offset += len(notes)
kept = []
for start, end, flags, file_offset, path in mappings:
    size = end - start
    if flags & READ == 0:
        size = 0
    elif path.startswith(b"/") and flags & WRITE == 0:
        size = PAGE if file_offset == 0 else 0
    kept.append((start, size))
    headers += struct.pack("<2L6Q", PT_LOAD, flags, offset, start, 0, size, end - start, PAGE)
    offset += size
with open("/proc/%d/mem" % pid, "rb", 0) as memory, open(output, "wb") as core:
    core.write(headers + notes)
    for start, size in kept:
        memory.seek(start)
        core.write(memory.read(size))
