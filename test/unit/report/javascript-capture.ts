/** A capture as `mp run server.js` leaves it. Native names are those of Node 20. */
import { CaptureFixture } from '../helpers/capture-fixture.ts';
import { addStacks } from '../helpers/stack-words.ts';

export const NODE = '/usr/bin/node';

const ENTRY = [
  ...['_start', 'libc:__libc_start_main_impl', 'libc:__libc_start_call_main', 'node::Start(int, char**)'],
  'node::NodeMainInstance::Run()',
];
/** C++ calls JavaScript. */
const CALL = [
  'v8::Function::Call(v8::Local<v8::Context>, v8::Local<v8::Value>, int, v8::Local<v8::Value>*)',
  'v8::internal::Execution::Call(v8::internal::Isolate*, v8::internal::Handle<v8::internal::Object>)',
  'v8::internal::(anonymous namespace)::Invoke(v8::internal::Isolate*, v8::internal::InvokeParams const&)',
  ...['Builtins_JSEntry', 'Builtins_JSEntryTrampoline', 'Builtins_InterpreterEntryTrampoline'],
];
const INTERPRETED = 'Builtins_InterpreterEntryTrampoline';
const SCRIPT = [
  ...[...ENTRY, 'node::LoadEnvironment(node::Environment*)', 'node::Realm::ExecuteBootstrapper(char const*)', ...CALL],
  'executeUserEntryPoint@node:internal/modules/run_main:164',
];
const LOOP = [
  ...[...ENTRY, 'node::SpinEventLoopInternal(node::Environment*)', 'uv_run', 'uv__io_poll'],
  'node::LibuvStreamWrap::OnUvRead(long, uv_buf_t const*)',
  'node::AsyncWrap::MakeCallback(v8::Local<v8::Function>, int, v8::Local<v8::Value>*)',
  'node::InternalMakeCallback(node::Environment*, v8::Local<v8::Object>, v8::Local<v8::Function>)',
  ...CALL,
];
/** JavaScript calls C++. */
const BINDING = [
  'Builtins_CEntry_Return1_ArgvOnStack_BuiltinExit',
  'v8::internal::Builtin_HandleApiCall(int, unsigned long*, v8::internal::Isolate*)',
  'v8::internal::MaybeHandle<v8::internal::Object> v8::internal::(anonymous namespace)::HandleApiCallHelper<false>(int)',
  'v8::internal::FunctionCallbackArguments::Call(v8::internal::CallHandlerInfo)',
];
const BUFFER = [
  ...['alloc@node:buffer:366', 'Builtins_ConstructHandler', 'Builtins_JSConstructStubGeneric', INTERPRETED],
  ...['FastBuffer@node:internal/buffer:959', 'Builtins_ConstructHandler', 'Builtins_JSBuiltinsConstructStub'],
  ...['Builtins_TypedArrayConstructor', 'Builtins_CEntry_Return1_ArgvOnStack_BuiltinExit'],
  'v8::internal::Builtin_ArrayBufferConstructor(int, unsigned long*, v8::internal::Isolate*)',
  'node::NodeArrayBufferAllocator::Allocate(unsigned long)',
];

/** Root first; the words: stack-words.ts. */
const STACKS = {
  handle: [
    ...[...LOOP, 'emit@node:events:518', INTERPRETED, 'Server.handle@/srv/app/server.js:12', 'Builtins_ArrayMap'],
    ...[INTERPRETED, '(anonymous)@/srv/app/server.js:13', INTERPRETED, ...BUFFER],
  ],
  /** The same when it is hot: compiled, and without the interpreter. */
  handleCompiled: [
    ...[...LOOP, 'emit@node:events:518', 'Server.handle@/srv/app/server.js:12', 'Builtins_ArrayMap'],
    ...['(anonymous)@/srv/app/server.js:13', ...BUFFER],
  ],
  pack: [
    ...[...SCRIPT, INTERPRETED, '(anonymous)@/srv/app/app.mjs:30', INTERPRETED, 'pack@/srv/app/app.mjs:7'],
    ...['processChunkSync@node:zlib:417', ...BINDING],
    ...['void node::(anonymous namespace)::CompressionStream<ZlibContext>::Write<false>(int)', 'deflateInit2_'],
  ],
  resize: [
    ...[...SCRIPT, '(anonymous)@/srv/app/app.mjs:31', 'resize@/srv/app/app.mjs:9', ...BINDING],
    ...['sharp:Pipeline::Execute()', 'vips:vips_malloc'],
  ],
  load: [
    ...[...ENTRY, 'node::InternalCallbackScope::Close()'],
    'v8::internal::MicrotaskQueue::RunMicrotasks(v8::internal::Isolate*)',
    ...['Builtins_JSRunMicrotasksEntry', 'Builtins_RunMicrotasks', 'Builtins_PromiseFulfillReactionJob'],
    ...['Builtins_AsyncFunctionAwaitResolveClosure', INTERPRETED, 'async load@/srv/app/app.mjs:50'],
    'v8::internal::MemoryAllocator::AllocatePage(v8::internal::Space*)',
  ],
  timers: [...LOOP, 'processTimers@node:internal/timers:523', 'Builtins_MapPrototypeSet', 'uv_timer_start'],
  startup: [...ENTRY, 'v8::internal::V8::Initialize()'],
  worker: [
    ...['libc:clone3', 'libc:start_thread', 'node::worker::Worker::Run()', ...CALL, 'run@/srv/app/worker.js:3'],
    ...['Builtins_FunctionPrototypeApply', 'push@', 'v8::internal::Heap::Grow()'],
  ],
};

const WORDS = {
  language: 'javascript',
  interpreter: NODE,
  modules: {
    libc: '/usr/lib/x86_64-linux-gnu/libc.so.6',
    sharp: '/srv/app/node_modules/@img/sharp-linux-x64/lib/sharp-linux-x64.node',
    vips: '/srv/app/node_modules/@img/sharp-libvips-linux-x64/lib/libvips-cpp.so.42',
  },
} as const;

/**
 * One process (pid 100) with threads 100 and 101; numbers are [allocations, bytes], all of them live at the peak:
 *
 *     stack           thread  allocator  all, peak       leaked
 *     handle          100     calloc     30, 60000       30, 60000
 *     handleCompiled  100     calloc     10, 20000       10, 20000
 *     pack            100     malloc     10, 12000       1, 1200
 *     resize          100     malloc     2, 10000        2, 10000
 *     load            100     mmap       1, 9000         1, 9000
 *     timers          100     malloc     5, 500          -
 *     startup         100     malloc     20, 2000        4, 400
 *     worker          101     malloc     3, 3000         3, 3000
 */
export function javascriptCapture(path: string): void {
  const capture = new CaptureFixture(path);
  capture.meta({ mode: 'run', status: 'complete', mp_version: '0.1.0', command_line: 'node server.js' });
  capture.losses({ ring_dropped: 0 });
  const facts = { comm: 'node', executable: NODE, command_line: 'node server.js', runtime: 'node 20.20.2' };
  const process = capture.process({ pid: 100, ...facts, ended_ns: 1_500_000_000, exit_code: 0 });
  const [main, worker] = [capture.thread(process, 100, 'node'), capture.thread(process, 101, 'worker')];
  const stacks = addStacks(capture, STACKS, WORDS);
  const site = (
    thread: number,
    allocator: string,
    stack: keyof typeof STACKS,
    all: [number, number],
    live: [number, number],
  ) => capture.site({ process, thread, allocator, stack: stacks[stack], all, peak: all, live });
  site(main, 'calloc', 'handle', [30, 60_000], [30, 60_000]);
  site(main, 'calloc', 'handleCompiled', [10, 20_000], [10, 20_000]);
  site(main, 'malloc', 'pack', [10, 12_000], [1, 1_200]);
  site(main, 'malloc', 'resize', [2, 10_000], [2, 10_000]);
  site(main, 'mmap', 'load', [1, 9_000], [1, 9_000]);
  site(main, 'malloc', 'timers', [5, 500], [0, 0]);
  site(main, 'malloc', 'startup', [20, 2_000], [4, 400]);
  site(worker, 'malloc', 'worker', [3, 3_000], [3, 3_000]);
  capture.memory(process, 0, 0, 0, 40_000_000);
  capture.memory(process, 900, 116_500, 81, 52_000_000);
  capture.sizeClass(process, 'malloc', 96, 103, 25, 2_500);
  capture.sizeClass(process, 'malloc', 960, 1023, 3, 3_000);
  capture.sizeClass(process, 'malloc', 1152, 1279, 10, 12_000);
  capture.sizeClass(process, 'malloc', 4608, 5119, 2, 10_000);
  capture.sizeClass(process, 'calloc', 1920, 2047, 40, 80_000);
  capture.sizeClass(process, 'mmap', 8192, 9215, 1, 9_000);
  capture.close();
}
