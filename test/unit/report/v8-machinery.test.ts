import assert from 'node:assert/strict';
import { test } from 'node:test';
import { foldMachinery } from '../../../src/report/machinery.ts';
import { isNode, isV8Machinery } from '../../../src/report/v8-machinery.ts';

const NODE = '/usr/bin/node';

function frame(name: string | null, module: string | null = NODE, language = 'native') {
  return { function: name, module, language };
}

/** What is left: `name@` is a JavaScript frame, `name.py` Python, `name!path` native of another module, `?` nameless. */
function folded(...words: string[]): string[] {
  const frames = words.map((word) => {
    if (word.endsWith('@')) return { ...frame(word, null, 'javascript'), word };
    if (word.endsWith('.py')) return { ...frame(word, null, 'python'), word };
    const [name, module] = word.split('!');
    return { ...frame(name === '?' ? null : name!, module ?? NODE), word };
  });
  return foldMachinery(frames).map(({ word }) => word);
}

test('modules that are Node', () => {
  for (const path of [
    '/usr/bin/node',
    'node',
    '/usr/bin/nodejs',
    '/opt/node22',
    '/opt/node-v20.19.0',
    '/usr/lib/x86_64-linux-gnu/libnode.so.108',
    '/usr/lib/x86_64-linux-gnu/libuv.so.1.0.0',
    '/usr/lib/libv8_libbase.so',
  ]) {
    assert.ok(isNode(path), path);
  }
  for (const path of [
    null,
    '',
    '/srv/node_modules/sharp/sharp.node',
    '/usr/bin/node_exporter',
    '/usr/bin/nodemon',
    '/usr/bin/node/x',
    '/usr/lib/libuvc.so.1',
    '/usr/lib/libnodeenv.so',
  ]) {
    assert.ok(!isNode(path), String(path));
  }
});

test('functions that only call, or execute a byte code', () => {
  for (const name of [
    'Builtins_InterpreterEntryTrampoline',
    'Builtins_InterpreterPushArgsThenConstruct',
    'Builtins_ConstructHandler',
    'Builtins_CallProperty1WideHandler',
    'Builtins_CallFunction_ReceiverIsAny',
    'Builtins_Call_ReceiverIsNullOrUndefined_Baseline_Compact',
    'Builtins_CallApiCallbackOptimizedNoProfiling',
    'Builtins_Construct',
    'Builtins_JSConstructStubGeneric',
    'Builtins_JSBuiltinsConstructStub',
    'Builtins_JSEntry',
    'Builtins_JSRunMicrotasksEntry',
    'Builtins_ArgumentsAdaptorTrampoline',
    'Builtins_AdaptorWithBuiltinExitFrame3',
    'Builtins_CEntry_Return1_DontSaveFPRegs_ArgvOnStack_BuiltinExit',
    'Builtins_DirectCEntry',
    'Builtins_HandleApiCall',
    'Builtins_LoadIC',
    'Builtins_KeyedLoadIC_Megamorphic',
    'Builtins_StoreICBaseline',
    'Builtins_LoadGlobalICInsideTypeofTrampoline',
    'Builtins_Add_WithFeedback',
    'Builtins_GetPropertyWithReceiver',
    'Builtins_RunMicrotasks',
    'Builtins_PromiseFulfillReactionJob',
    'Builtins_AsyncFunctionAwaitResolveClosure',
    'Builtins_AsyncGeneratorResumeNext',
    'Builtins_ResumeGeneratorTrampoline',
    'Builtins_BaselineOutOfLinePrologue',
    'Builtins_CompileLazy',
    'Builtins_RecordWriteSaveFP',
    'v8::internal::Execution::Call(v8::internal::Isolate*, int)',
    'v8::internal::Execution::TryRunMicrotasks(v8::internal::Isolate*, v8::internal::MicrotaskQueue*)',
    'v8::internal::(anonymous namespace)::Invoke(v8::internal::Isolate*, v8::internal::(anonymous namespace)::InvokeParams const&)',
    'v8::internal::MaybeHandle<v8::internal::Object> v8::internal::(anonymous namespace)::HandleApiCallHelper<false>(int)',
    'v8::internal::Builtin_HandleApiCall(int, unsigned long*, v8::internal::Isolate*)',
    'v8::internal::Builtins::InvokeApiFunction(v8::internal::Isolate*, bool)',
    'v8::internal::FunctionCallbackArguments::Call(v8::internal::CallHandlerInfo)',
    'v8::internal::MicrotaskQueue::PerformCheckpointInternal(v8::Isolate*)',
    'v8::Function::Call(v8::Local<v8::Context>, v8::Local<v8::Value>, int, v8::Local<v8::Value>*)',
    'node::InternalMakeCallback(node::Environment*, v8::Local<v8::Object>)',
    'node::AsyncWrap::MakeCallback(v8::Local<v8::Function>, int, v8::Local<v8::Value>*)',
    'node::InternalCallbackScope::~InternalCallbackScope()',
  ]) {
    assert.ok(isV8Machinery(frame(name)), name);
    assert.ok(isV8Machinery(frame(name, '/opt/electron/electron')), name);
  }
});

test('functions of JavaScript, and those that do something', () => {
  for (const name of [
    null,
    'Builtins_ArrayMap',
    'Builtins_ArrayPrototypePush',
    'Builtins_PromiseConstructor',
    'Builtins_PromisePrototypeThen',
    'Builtins_MapPrototypeSet',
    'Builtins_TypedArrayConstructor',
    'Builtins_CreateTypedArray',
    'Builtins_StringPrototypeReplace',
    'Builtins_JsonParse',
    'Builtins_ReflectConstruct',
    'Builtins_GeneratorPrototypeNext',
    'Builtins_AsyncGeneratorPrototypeNext',
    'Builtins_AsyncFunctionConstructor',
    'Builtins_CallSitePrototypeGetFileName',
    'Builtins_AllocateInYoungGeneration',
    'Builtins_GrowFastSmiOrObjectElements',
    'Builtins_IntlGetCanonicalLocales',
    'v8::internal::Builtin_ArrayBufferConstructor(int, unsigned long*, v8::internal::Isolate*)',
    'v8::internal::Runtime_CompileLazy(int, unsigned long*, v8::internal::Isolate*)',
    'node::Buffer::New(v8::internal::Execution::Call, int)',
    'node::contextify::ContextifyScript::New(v8::FunctionCallbackInfo<v8::Value> const&)',
    'app::Execution::Call(int)',
    'CallHandler',
  ]) {
    assert.ok(!isV8Machinery(frame(name)), String(name));
  }
  assert.ok(!isV8Machinery(frame('Builtins_JSEntry', null, 'javascript')));
});

test('above the innermost JavaScript frame all of Node goes, but for functions of JavaScript', () => {
  const libc = '__libc_start_main!/lib/libc.so.6';
  const outer = ['_start', libc, 'main', 'node::Start(int, char**)', 'uv_run', '?', 'node::InternalMakeCallback(int)'];
  const inner = [
    ...['Builtins_JSEntry', 'each@', 'Builtins_ArrayForEach', 'Builtins_InterpreterEntryTrampoline', 'run@'],
    ...[
      'node::contextify::ContextifyScript::RunInContext(int)',
      'Napi::Call!/srv/addon.node',
      'Builtins_JSEntry',
      'f@',
    ],
  ];
  const shown = ['f@', 'Napi::Call!/srv/addon.node', 'run@', 'Builtins_ArrayForEach', 'each@', libc, '_start'];
  assert.deepEqual(folded(...[...outer, ...inner].reverse()), shown);
  // In a program that embeds it: what has a name of Node's goes, what has not stays.
  const electron = [
    ...['f@', 'void node::Run(int)!/opt/electron', 'v8::X()!/opt/electron', 'uv_run!/opt/electron'],
    'main!/opt/electron',
  ];
  assert.deepEqual(folded(...electron), ['f@', 'uv_run!/opt/electron', 'main!/opt/electron']);
});

test('below it all that calls, wherever it stands', () => {
  const allocation = [
    ...['node::NodeArrayBufferAllocator::Allocate(unsigned long)', 'Builtins_CEntry_Return1_ArgvOnStack_BuiltinExit'],
    ...[
      'Builtins_TypedArrayConstructor',
      'Builtins_JSBuiltinsConstructStub',
      'Builtins_ConstructHandler',
      'f@',
      '_start',
    ],
  ];
  assert.deepEqual(folded(...allocation), [
    ...['node::NodeArrayBufferAllocator::Allocate(unsigned long)', 'Builtins_TypedArrayConstructor', 'f@', '_start'],
  ]);
  assert.deepEqual(folded('uv__malloc', '?', 'f@'), ['uv__malloc', '?', 'f@']);
});

test('the outermost frame stays, unless a cut stack begins with machinery', () => {
  assert.deepEqual(folded('f@', 'Builtins_JSEntry', '?'), ['f@', '?']);
  assert.deepEqual(folded('f@', 'uv_run', 'node::Start(int)'), ['f@', 'node::Start(int)']);
  assert.deepEqual(folded('f@', 'Builtins_JSEntry'), ['f@']);
  assert.deepEqual(folded('f@'), ['f@']);
});

test('without JavaScript frames V8 is the program', () => {
  const words = ['Builtins_LoadIC', 'Builtins_JSEntry', 'v8::Function::Call(int)', 'uv_run', '_start'];
  assert.deepEqual(folded(...words), words);
});

test('Python and JavaScript in one process: each has its machinery', () => {
  const words = ['g.py', '_PyEval_EvalFrameDefault!/usr/lib/libpython3.11.so.1.0', 'Builtins_JSEntry', 'f@', '_start'];
  assert.deepEqual(folded(...words), ['g.py', 'f@', '_start']);
});
