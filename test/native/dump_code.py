"""Prints code and str objects of the interpreter that runs it, CPython 3.8 to 3.14, and what the parser should say.

    code FIRST_LINE TABLE LINE...   the line of each code unit as PyCode_Addr2Line gives it, 0: none
    at INSTRUCTION LINE             of the code before: where a frame of it stood, from a traceback or a live frame
    str OBJECT TEXT                 bytes from the address of the object on; its text in UTF-8, "none": not compact
    end CODES STRINGS               the last line

Tables, objects and texts are hexadecimal, "-" if they are empty. The lines also have to be those of co_lines() or,
before 3.10, of dis.findlinestarts(); if they differ the script fails.
"""
import ctypes
import dis
import importlib.util
import sys
import types

MODULES = ['argparse', 'asyncio.base_events', 'dataclasses', 'json.decoder', 'typing', '_pydecimal']

ODD = '''
import sys

def fail(*values, **names):
    return 1 // 0

def gap():
    first = 1
%(gap)s
    return fail(
        first,
        [fail
         for _ in range(
             3)],

        name=(lambda:
              fail())())

def loop(items):
    for item in items: total = (
        item
        +
        len(items)); total += (lambda a,
                               b: a)(
            1,
            2)
    while items:
        items = items[
            1:
        ]
        if not items:
            continue
    else:
        fail()

def decorate(*arguments):
    def decorator(function):
        return function
    return decorator

@decorate(
    1,
    [2,
     3])
@decorate()
class Decorated(
        object):
    """Text."""

    @property
    @decorate(4)
    def value(self): return {
        key: [inner for inner in
              range(key)]
        for key in range(3)
        if key
    }

    def größe(self, 変数=1):
        def nested():
            def deeper(): return (
                変数 +
                fail())
            return deeper()
        return nested()

def clean_up():
    try:
        with open('/nonexistent') as file:
            file.read()
    except OSError as error:
        try:
            fail()
        finally:
            del error
    finally:
        try:
            pass
        except ValueError:
            pass

def generate():
    received = yield (
        1)
    yield from [
        2]
    return received

class Manager:
    async def __aenter__(self): return self
    async def __aexit__(self, *_): return False

class Ticks:
    def __init__(self): self.left = 3
    def __aiter__(self): return self
    async def __anext__(self):
        self.left -= 1
        if not self.left:
            raise StopAsyncIteration
        return self.left

async def asynchronous():
    async with Manager() as one, \\
            Manager():
        async for tick in Ticks():
            if (found := tick): repr(
                one)
    found = [tick
             async for tick in Ticks()]
    return fail(
        found)

def here(): return sys._getframe(
    )

def calls(): return [
    gap,
    lambda: loop([1,
                  2]),
    lambda: Decorated().größe(),
    clean_up,
    lambda: asynchronous().send(
        None)]
''' % {'gap': '\n' * 300}

LONG_LINE = 'x = %s\n\n\n\ny = (x,\n%sx,\n)\nz = x; w = (\n x)\n' % (' + '.join(map(str, range(200))), ' ' * 300)

addr2line = ctypes.pythonapi.PyCode_Addr2Line
addr2line.argtypes = [ctypes.py_object, ctypes.c_int]
addr2line.restype = ctypes.c_int


def hexadecimal(data):
    return data.hex() or '-'


def documented_lines(code):
    """By instruction, from what the interpreter offers to Python code; 0: none."""
    lines = [0] * (len(code.co_code) // 2)
    if hasattr(code, 'co_lines'):
        ranges = [(start, end, line or 0) for start, end, line in code.co_lines()]
    else:
        starts = [*dis.findlinestarts(code), (len(code.co_code), 0)]
        ranges = [(start, after, line) for (start, line), (after, _) in zip(starts, starts[1:])]
    for start, end, line in ranges:
        lines[start // 2:end // 2] = [line] * (end // 2 - start // 2)
    return lines


def dump_code(code):
    lines = [max(addr2line(code, at), 0) for at in range(0, len(code.co_code), 2)]
    if lines != documented_lines(code):
        sys.exit('PyCode_Addr2Line and documented lines differ: %r' % code)
    table = code.co_linetable if sys.version_info >= (3, 10) else code.co_lnotab
    print('code', code.co_firstlineno, hexadecimal(table), *lines)


def dump_all(code):
    """The code object and those within it. Returns how many."""
    dump_code(code)
    return 1 + sum(dump_all(constant) for constant in code.co_consts if isinstance(constant, types.CodeType))


def dump_frame(code, instruction, line):
    dump_code(code)
    print('at', instruction, line or 0)


def dump_frames(module):
    """Frames of the odd code: unwound by exceptions, running, suspended. Returns how many."""
    count = 0
    for call in module['calls']():
        try:
            call()
        except (ZeroDivisionError, OSError) as error:
            step = error.__traceback__.tb_next
            while step:
                dump_frame(step.tb_frame.f_code, step.tb_lasti, step.tb_lineno)
                step = step.tb_next
                count += 1
    generator = module['generate']()
    for _ in range(2):
        next(generator)
        dump_frame(generator.gi_code, generator.gi_frame.f_lasti, generator.gi_frame.f_lineno)
    frame = module['here']()
    dump_frame(frame.f_code, frame.f_lasti, frame.f_lineno)
    return count + 3


def dump_str(value):
    compact = type(value) is str
    text = ''.join('\ufffd' if '\ud800' <= character <= '\udfff' else character for character in value)
    # The size of `value` may include its cached UTF-8, which lies elsewhere; a fresh copy has none.
    copy = ''.join(list(value))
    data = ctypes.string_at(id(value), sys.getsizeof(copy))
    print('str', data.hex(), hexadecimal(text.encode()) if compact else 'none')


def main():
    codes = 0
    module = {}
    far = '\n' * 70000 + 'x = 1\n'
    for source, file in [(ODD, 'odd_файл.py'), (LONG_LINE, '日本.py'), (far, '𝒻.py'), ('', 'é.py')]:
        code = compile(source, file, 'exec')
        codes += dump_all(code)
        if source is ODD:
            odd = code
    exec(odd, module)
    codes += dump_frames(module)
    for name in MODULES:
        codes += dump_all(importlib.util.find_spec(name).loader.get_code(name))
    codes += dump_all(compile('lambda: (yield)', '<lambda>', 'eval'))

    class Text(str):
        """Its instances are not compact."""

    grown = module['Decorated'].größe.__code__
    strings = ['', 'a', 'module.function', 'é', 'größe', '\x7f\x80\xff', 'Ā', 'файл', 'a\u07ff\u0800\uffff', '𝒻',
               'a\U0010ffffé', 'undecodable\udcff', '\ud83d\ude00', 'nul\0nul', 'x' * 150, 'é' * 150, 'я' * 150,
               '𝒻' * 150, Text('a'), Text('я'), grown.co_name, grown.co_filename, grown.co_varnames[1], odd.co_name,
               getattr(grown, 'co_qualname', grown.co_name)]
    for value in strings:
        dump_str(value)
    print('end', codes, len(strings))


main()
