/**
 * Which native frames reports leave out of a stack with frames of an interpreted language. Those of JavaScript:
 * `v8-machinery.ts`. Which native frames of a Python stack are the interpreter making a call, and which are the program's work:
 *
 *     outermost first              module
 *     _start                       python3.11    shown: where every stack of the process begins
 *     __libc_start_main_impl       libc.so.6     shown: not the interpreter's
 *     Py_RunMain                   python3.11    folded: the interpreter's, above the innermost Python frame
 *     _PyEval_EvalFrameDefault     python3.11    folded
 *     <module> app.py:30           -             shown: Python
 *     builtin_sorted               python3.11    folded: what it does for its caller is to call the next Python frame
 *     _PyEval_EvalFrameDefault     python3.11    folded
 *     pack app.py:12               -             shown: the innermost Python frame
 *     PyObject_Vectorcall          python3.11    folded: call machinery, right below the innermost Python frame
 *     cfunction_vectorcall_O       python3.11    folded
 *     zlib_compress                zlib.so       shown, as all below it, also `list_resize` and its like
 *
 * A stack without Python frames is left as it is: there the interpreter is the program. Names are those of CPython 3.8 to
 * 3.13: Objects/{call,classobject,descrobject,methodobject,typeobject}.c, Python/{ceval,pythonrun}.c, Modules/main.c.
 */
import type { FrameRow } from './source.ts';
import { foldV8 } from './v8-machinery.ts';

type Frame = Pick<FrameRow, 'function' | 'language' | 'module'>;

/** Functions with a prefix that is CPython's own wherever it is linked into. `PyObject_Calloc` is an allocator. */
const EXPORTED = new RegExp(
  `^(?:${[
    '_?PyEval',
    '_?PyRun_',
    '_?PyVectorcall_',
    '_?PyObject_(?:Call(?!oc)|FastCall|MakeTpCall|Vectorcall)',
    '_?PyFunction_(?:FastCall|Vectorcall)',
    '_?PyCFunction_(?:Call|FastCall)',
    '_?PyMethodDef_RawFastCall',
    'Py_(?:Bytes|Run)?Main$',
  ].join('|')})`,
);

/**
 * Static functions, whose names others use as well; a compiler appends `.cold`, `.constprop.0` and the like. Vectorcalls
 * of types, as `list_vectorcall`, are their constructors and are shown.
 */
const STATIC = new RegExp(
  `^(?:${[
    '(?:cfunction|method)_vectorcall(?:_\\w+)?',
    'vectorcall_(?:method|maybe|unbound)',
    'type_(?:call|vectorcall)',
    'slot_(?:am|bf|mp|nb|sq|tp)_\\w+',
    'call_(?:function|method|unbound|maybe|unbound_noarg)',
    'cfunction_call(?:_varargs)?',
    'do_call_core',
    'trace_call_function',
    'function_code_fastcall',
    'object_vacall',
    'callmethod',
    'pymain_\\w+',
    'pyrun_\\w+',
    'run_mod',
    'run_eval_code_obj',
  ].join('|')})(?:\\.|$)`,
);

/** `/usr/bin/python3.11`, `/opt/python/bin/python3.13t`, `/usr/lib/libpython3.11.so.1.0`. */
const INTERPRETER =
  /(?:^|\/)(?:(?:platform-)?python(?:\d+(?:\.\d+)?[a-z]*)?(?:-dbg)?|libpython\d[\w.]*\.so(?:[\d.]*))$/;

/** Whether the mapped file is CPython itself, and not an extension or a program that embeds it. */
export function isInterpreter(module: string | null): boolean {
  return module !== null && INTERPRETER.test(module);
}

/** Whether the name of a native frame says that all it does is to call something, or to run a file or a module. */
export function isCallMachinery({ function: name, language, module }: Frame): boolean {
  if (language !== 'native' || name === null) return false;
  return EXPORTED.test(name) || ((module === null || isInterpreter(module)) && STATIC.test(name));
}

/** The frames of one stack without the machinery of interpreters, both innermost first. */
export function foldMachinery<F extends Frame>(frames: F[]): F[] {
  return foldV8(foldPython(frames));
}

function foldPython<F extends Frame>(frames: F[]): F[] {
  const python = frames.findIndex((frame) => frame.language === 'python');
  if (python < 0) return frames;
  let below = python;
  while (below > 0 && isCallMachinery(frames[below - 1]!)) below--;
  const outermost = frames.length - 1;
  return frames.filter((frame, position) => {
    if (position <= python) return position < below || position === python;
    if (frame.language !== 'native') return true;
    return !isCallMachinery(frame) && (position === outermost || !isInterpreter(frame.module));
  });
}
