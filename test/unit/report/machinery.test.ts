import assert from 'node:assert/strict';
import { test } from 'node:test';
import { foldMachinery, isCallMachinery, isInterpreter } from '../../../src/report/machinery.ts';

const PYTHON = '/usr/bin/python3.11';

function frame(name: string | null, module: string | null = PYTHON, language = 'native') {
  return { function: name, module, language };
}

/** Names of what is left, `?` without a name. `name@` is a Python frame, `name!path` one of another module. */
function folded(...words: string[]): string[] {
  const frames = words.map((word) => {
    if (word.endsWith('@')) return { ...frame(word, null, 'python'), word };
    const [name, module] = word.split('!');
    return { ...frame(name === '?' ? null : name!, module ?? PYTHON), word };
  });
  return foldMachinery(frames).map(({ word }) => word);
}

test('modules that are the interpreter', () => {
  for (const path of [
    '/usr/bin/python3.11',
    '/usr/bin/python3',
    'python',
    '/opt/python/bin/python3.13t',
    '/usr/bin/python3.8-dbg',
    '/usr/libexec/platform-python3.6',
    '/usr/lib/x86_64-linux-gnu/libpython3.11.so.1.0',
    '/opt/lib/libpython3.13td.so.1.0',
    '/opt/lib/libpython3.so',
  ]) {
    assert.ok(isInterpreter(path), path);
  }
  for (const path of [
    null,
    '',
    '/usr/lib/python3.11/lib-dynload/zlib.cpython-311-x86_64-linux-gnu.so',
    '/usr/lib/libboost_python311.so.1.74.0',
    '/usr/bin/pythonic',
    '/usr/bin/python3-config',
    '/usr/bin/ipython3',
    '/usr/lib/python3/numpy.so',
    '/usr/lib/libpython3.11.a',
  ]) {
    assert.ok(!isInterpreter(path), String(path));
  }
});

test('functions that only call', () => {
  for (const name of [
    '_PyEval_EvalFrameDefault',
    '_PyEval_EvalFrameDefault.cold',
    '_PyEval_Vector',
    '_PyEvalFramePushAndInit',
    'PyEval_EvalCode',
    '_PyFunction_Vectorcall',
    '_PyFunction_FastCallDict',
    'PyObject_Call',
    'PyObject_CallOneArg',
    '_PyObject_Call_Prepend',
    'PyObject_Vectorcall',
    '_PyObject_VectorcallTstate',
    '_PyObject_MakeTpCall',
    '_PyObject_FastCallDictTstate',
    'PyVectorcall_Call',
    'PyCFunction_Call',
    'cfunction_vectorcall_FASTCALL_KEYWORDS',
    'method_vectorcall',
    'method_vectorcall_NOARGS.lto_priv.0',
    'type_call',
    'slot_tp_init',
    'slot_nb_add',
    'Py_RunMain',
    'Py_BytesMain',
    '_PyRun_SimpleFileObject',
    'PyRun_StringFlags',
    'run_mod',
    'run_eval_code_obj',
    'pymain_run_python.constprop.0',
    'function_code_fastcall',
  ]) {
    assert.ok(isCallMachinery(frame(name)), name);
  }
});

test('functions that work, or belong to others', () => {
  for (const name of [
    null,
    'list_resize',
    'PyBytes_FromStringAndSize',
    '_PyObject_GC_NewVar',
    'PyObject_Calloc',
    '_PyObject_Calloc',
    'PyObject_Malloc',
    'list_vectorcall',
    'PyType_GenericAlloc',
    'builtin_sorted',
    'run_modern',
    'Py_MainLoop',
  ]) {
    assert.ok(!isCallMachinery(frame(name)), String(name));
  }
  const extension = '/usr/lib/python3/numpy/core/_multiarray_umath.so';
  assert.ok(!isCallMachinery(frame('method_vectorcall_O', extension)));
  assert.ok(isCallMachinery(frame('method_vectorcall_O', null)));
  // Linked into a program that embeds it, which is then the interpreter's module.
  assert.ok(isCallMachinery(frame('_PyEval_EvalFrameDefault', '/usr/bin/blender')));
  assert.ok(!isCallMachinery(frame('_PyEval_EvalFrameDefault', null, 'python')));
});

test('above the innermost Python frame all of the interpreter goes, and nothing of others', () => {
  const libc = '__libc_start_main!/lib/libc.so.6';
  const outer = ['_start', libc, 'main', '?', 'Py_RunMain', 'PyEval_EvalCode', '_PyEval_EvalFrameDefault'];
  const inner = [
    'sorted_by@',
    'builtin_sorted',
    '?',
    'partial_call!/x/_functools.so',
    '_PyEval_EvalFrameDefault',
    'key@',
  ];
  const shown = ['key@', 'partial_call!/x/_functools.so', 'sorted_by@', libc, '_start'];
  assert.deepEqual(folded(...[...outer, ...inner].reverse()), shown);
});

test('below it only what calls, up to the first function that does something', () => {
  assert.deepEqual(folded('malloc_it!/x/zlib.so', 'cfunction_vectorcall_O', 'PyObject_Vectorcall', 'f@'), [
    'malloc_it!/x/zlib.so',
    'f@',
  ]);
  const kept = ['PyMem_Realloc', 'PyObject_Call', 'list_resize', 'f@'];
  assert.deepEqual(folded(...kept), kept);
  assert.deepEqual(folded('list_resize', '?', 'PyObject_Vectorcall', 'f@'), ['list_resize', '?', 'f@']);
  assert.deepEqual(folded('_PyObject_MakeTpCall', 'f@'), ['f@']);
});

test('the outermost frame stays, unless a cut stack begins with machinery', () => {
  assert.deepEqual(folded('f@', '_PyEval_EvalFrameDefault', '?'), ['f@', '?']);
  assert.deepEqual(folded('f@', '_PyEval_EvalFrameDefault'), ['f@']);
  assert.deepEqual(folded('f@'), ['f@']);
});

test('without Python frames the interpreter is the program', () => {
  const words = ['PyUnicode_New', '?', 'Py_RunMain', 'Py_BytesMain', '_start'];
  assert.deepEqual(folded(...words), words);
  assert.deepEqual(folded(), []);
});
