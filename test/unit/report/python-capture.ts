/** A capture as `mp run app.py` leaves it: Python frames stand right below the evaluation loop that runs them. */
import { CaptureFixture } from '../helpers/capture-fixture.ts';
import { addStacks } from '../helpers/stack-words.ts';

export const INTERPRETER = '/usr/bin/python3.11';

/** Outermost frames of the main thread, as a stripped interpreter has them: `main` is static, hence without a name. */
const ENTRY = [
  '_start',
  'libc:__libc_start_main_impl',
  'libc:__libc_start_call_main',
  '?',
  'Py_BytesMain',
  'Py_RunMain',
];
const EVAL = '_PyEval_EvalFrameDefault';
const RUN = [...ENTRY, '?', 'PyEval_EvalCode', EVAL];
const THREAD = ['libc:clone3', 'libc:start_thread', '?', '_PyObject_Call', EVAL];

/** Root first; the words: stack-words.ts. */
const STACKS = {
  grow: [...RUN, '<module>@/srv/app/app.py:30', 'Store.grow@/srv/app/store.py:12', 'list_resize', 'PyMem_Realloc'],
  pack: [
    ...RUN,
    '<module>@/srv/app/app.py:31',
    'pack@/srv/app/app.py:20',
    'PyObject_Vectorcall',
    'cfunction_vectorcall_FASTCALL',
    'zlib:zlib_compress',
    'libz:deflateInit2_',
  ],
  packAgain: [
    ...[...RUN, '<module>@/srv/app/app.py:31', 'pack@/srv/app/app.py:20'],
    ...['PyObject_VectorcallMethod', 'zlib:zlib_compress', 'libz:deflateInit2_'],
  ],
  init: [
    ...[...RUN, '<module>@/srv/app/app.py:32', 'PyObject_Call', 'functools:partial_call', '_PyObject_MakeTpCall'],
    ...['slot_tp_init', '_PyFunction_Vectorcall', EVAL, 'Doc.__init__@/srv/app/doc.py:5'],
  ],
  work: [
    ...[...THREAD, 'Thread._bootstrap@/usr/lib/python3.11/threading.py:1002', 'work@/srv/app/app.py:40'],
    ...['PyObject_Vectorcall', 'PyBytes_FromStringAndSize'],
  ],
  startup: [...ENTRY, '?', 'PyUnicode_New'],
};

const MODULES: Record<string, string> = {
  libc: '/usr/lib/x86_64-linux-gnu/libc.so.6',
  libz: '/usr/lib/x86_64-linux-gnu/libz.so.1.2.13',
  zlib: '/usr/lib/python3.11/lib-dynload/zlib.cpython-311-x86_64-linux-gnu.so',
  functools: '/usr/lib/python3.11/lib-dynload/_functools.cpython-311-x86_64-linux-gnu.so',
};

const WORDS = { language: 'python', interpreter: INTERPRETER, modules: MODULES } as const;

/**
 * One process (pid 100) with threads 100 and 101; numbers are [allocations, bytes], all of them live at the peak:
 *
 *     stack      thread  allocator  all, peak       leaked
 *     grow       100     realloc    40, 40000       1, 8000
 *     pack       100     malloc     10, 20000       10, 20000
 *     packAgain  100     malloc     2, 4000         2, 4000
 *     init       100     malloc     5, 500          5, 500
 *     work       101     malloc     3, 9000         3, 9000
 *     startup    100     malloc     20, 2000        4, 400
 */
export function pythonCapture(path: string): void {
  const capture = new CaptureFixture(path);
  capture.meta({ mode: 'run', status: 'complete', mp_version: '0.1.0', command_line: 'python3 app.py' });
  capture.losses({ ring_dropped: 0 });
  const facts = { comm: 'python3', executable: INTERPRETER, command_line: 'python3 app.py', runtime: 'python 3.11' };
  const process = capture.process({ pid: 100, ...facts, ended_ns: 1_500_000_000, exit_code: 0 });
  const [main, worker] = [capture.thread(process, 100, 'python3'), capture.thread(process, 101, 'worker')];
  const stacks = addStacks(capture, STACKS, WORDS);
  const site = (
    thread: number,
    allocator: string,
    stack: keyof typeof STACKS,
    all: [number, number],
    live: [number, number],
  ) => capture.site({ process, thread, allocator, stack: stacks[stack], all, peak: all, live });
  site(main, 'realloc', 'grow', [40, 40_000], [1, 8_000]);
  site(main, 'malloc', 'pack', [10, 20_000], [10, 20_000]);
  site(main, 'malloc', 'packAgain', [2, 4_000], [2, 4_000]);
  site(main, 'malloc', 'init', [5, 500], [5, 500]);
  site(worker, 'malloc', 'work', [3, 9_000], [3, 9_000]);
  site(main, 'malloc', 'startup', [20, 2_000], [4, 400]);
  capture.memory(process, 0, 0, 0, 9_000_000);
  capture.memory(process, 900, 75_500, 80, 12_000_000);
  capture.sizeClass(process, 'malloc', 96, 103, 25, 2_500);
  capture.sizeClass(process, 'malloc', 1920, 2047, 12, 24_000);
  capture.sizeClass(process, 'malloc', 2944, 3071, 3, 9_000);
  capture.sizeClass(process, 'realloc', 960, 1023, 40, 40_000);
  capture.close();
}
