/**
 * Which native frames of a JavaScript stack are V8 and Node making a call, and which are the program's work:
 *
 *     outermost first                          module
 *     _start                                   node         shown: where every stack of the process begins
 *     __libc_start_main_impl                   libc.so.6    shown: not of V8 or Node
 *     node::Start(int, char**)                 node         folded: Node's, above the innermost JavaScript frame
 *     uv_run                                   node         folded
 *     node::InternalMakeCallback(…)            node         folded
 *     v8::internal::Execution::Call(…)         node         folded
 *     Builtins_JSEntry                         node         folded
 *     onRequest server.js:30                   -            shown: JavaScript
 *     Builtins_ArrayMap                        node         shown: a function of JavaScript, as in a stack of an Error
 *     Builtins_InterpreterEntryTrampoline      node         folded
 *     from node:buffer:332                     -            shown: the innermost JavaScript frame
 *     Builtins_ConstructHandler                node         folded: a byte code
 *     Builtins_TypedArrayConstructor           node         shown, as all below that does more than to call
 *     node::NodeArrayBufferAllocator::Allocate node         shown
 *
 * A stack without JavaScript frames is left as it is. Names of `Builtins_` are those of V8 10.2 to 13.6 (Node 18 to 24):
 * src/builtins/builtins-definitions.h, src/interpreter/bytecodes.h and the Torque sources of src/builtins. They stand in
 * no namespace of C++ but have a prefix that is V8's own, whatever program it is linked into.
 */
import type { FrameRow } from './source.ts';

type Frame = Pick<FrameRow, 'function' | 'language' | 'module'>;

/** Longer than all of V8's, so that patterns meet no name that takes them long. */
const BUILTIN = /^Builtins_(\w{1,120})$/;

/** Builtins that call, enter and leave JavaScript, execute a byte code, load or store a property, or resume a function. */
const BUILTIN_CALLS = new RegExp(
  `^(?:${[
    '\\w+Handler',
    '(?:Interpreter|Baseline|Maglev)\\w+',
    '\\w+Baseline(?:_Compact)?',
    '\\w+_WithFeedback',
    'JS(?:Entry|Construct|BuiltinsConstruct|RunMicrotasks)\\w*',
    '(?:Direct|Wasm)?CEntry\\w*',
    // Not CallSitePrototype…, which are methods of the call sites that Error.prepareStackTrace gets.
    'Call(?!SitePrototype)\\w*',
    'Construct\\w*',
    'FunctionPrototype(?:Apply|Call)',
    'HandleApi\\w*',
    'Arguments?Adaptor\\w*',
    'AdaptorWith\\w+',
    // Inline caches, as LoadIC and KeyedLoadIC_Megamorphic.
    '\\w+IC(?![a-z])\\w*',
    '(?:Get|Set|Has|Delete)Property(?:WithReceiver)?',
    'GetIterator\\w*',
    '(?:(?:Generic)?JSTo|WasmToJs)\\w+',
    'RunMicrotasks\\w*',
    'Promise(?:FulfillReaction|RejectReaction|ResolveThenable)Job',
    'Async(?:Function|Generator)(?!Constructor|FunctionConstructor|Prototype)\\w+',
    'ResumeGenerator\\w+',
    'CompileLazy\\w*',
    '(?:DeoptimizationEntry|ContinueTo|Start\\w+OptimizeJob|Optimize)\\w*',
    '(?:RecordWrite|EphemeronKeyBarrier|IndirectPointerBarrier)\\w+',
  ].join('|')})$`,
);

/** Functions of V8 and Node with which C++ calls JavaScript and JavaScript calls C++; what they return may stand first. */
const CALLS = new RegExp(
  `(?:^|[\\s*&>])(?:${[
    'v8::internal::Execution::\\w+',
    'v8::internal::\\(anonymous namespace\\)::(?:Invoke\\w*|HandleApiCallHelper)',
    'v8::internal::Builtin_(?:Impl_)?HandleApi\\w+',
    'v8::internal::Builtins::InvokeApiFunction',
    'v8::internal::(?:Function|Property)CallbackArguments::\\w+',
    'v8::internal::MicrotaskQueue::(?:RunMicrotasks|PerformCheckpoint\\w*)',
    'v8::MicrotasksScope::PerformCheckpoint',
    'v8::Function::(?:Call|NewInstance\\w*)',
    'v8::Object::CallAs\\w+',
    'v8::Script::Run',
    'node::(?:Internal)?MakeCallback',
    'node::AsyncWrap::MakeCallback',
    'node::(?:Internal)?CallbackScope::~?\\w+',
  ].join('|')})[(<]`,
);

/** `/usr/bin/node`, `/opt/node22`, `/usr/bin/nodejs`, and as distributions split it: `libnode.so.108`, `libuv.so.1.0.0`. */
const NODE = /(?:^|\/)(?:node(?:js)?(?:-?v?\d[\d.]*)?|lib(?:node|uv|v8\w*)\.so[\d.]*)$/;

/** In a program that embeds Node, as Electron, the names tell. */
const NODE_NAMESPACE = /^(?:\w+ )?(?:node|v8|v8_inspector)::/;

/** Whether the mapped file is Node or V8 itself, and not an add-on. */
export function isNode(module: string | null): boolean {
  return module !== null && NODE.test(module);
}

/** Whether the name of a native frame says that all it does is to call something, or to execute a byte code. */
export function isV8Machinery({ function: name, language }: Frame): boolean {
  if (language !== 'native' || name === null) return false;
  const builtin = BUILTIN.exec(name)?.[1];
  return builtin === undefined ? CALLS.test(name) : BUILTIN_CALLS.test(builtin);
}

/** The frames of one stack without the machinery of V8 and Node, both innermost first. */
export function foldV8<F extends Frame>(frames: F[]): F[] {
  const javascript = frames.findIndex((frame) => frame.language === 'javascript');
  if (javascript < 0) return frames;
  const outermost = frames.length - 1;
  return frames.filter((frame, position) => {
    if (frame.language !== 'native') return true;
    if (isV8Machinery(frame)) return false;
    if (position < javascript || position === outermost) return true;
    const name = frame.function ?? '';
    return name.startsWith('Builtins_') || !(isNode(frame.module) || NODE_NAMESPACE.test(name));
  });
}
