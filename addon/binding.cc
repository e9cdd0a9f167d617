// The boundary to JavaScript: arguments are checked and converted here, once, and forwarded. The types are those of
// src/native/binding.ts and src/model/types.ts.
#define NAPI_CPP_EXCEPTIONS
#include <napi.h>

#include "error.h"
#include "heap/heap_core.h"
#include "heap/heap_process.h"
#include "heap/heap_reader.h"
#include "probe_cost.h"
#include "probe_sites.h"
#include "proc_info.h"
#include "session.h"
#include "untraced_cost.h"

namespace {

Napi::Error to_javascript(Napi::Env env, const mp::Error &error) {
  Napi::Error result = Napi::Error::New(env, error.what());
  result.Set("code", error.code());
  result.Set("errno", Napi::Number::New(env, error.error_number()));
  return result;
}

// Runs a call into the session; C++ errors become JavaScript errors.
template <typename Call>
decltype(auto) forward(Napi::Env env, Call call) {
  try {
    return call();
  } catch (const mp::Error &error) {
    throw to_javascript(env, error);
  } catch (const std::exception &error) {
    throw Napi::Error::New(env, error.what());
  }
}

std::string string_of(const Napi::Object &object, const char *key) {
  const Napi::Value value = object.Get(key);
  return value.IsString() ? value.As<Napi::String>().Utf8Value() : "";
}

// Arguments and variables are bytes, not always UTF-8.
std::string bytes_of(const Napi::Value &value) {
  const auto bytes = value.As<Napi::Uint8Array>();
  return std::string(reinterpret_cast<const char *>(bytes.Data()), bytes.ByteLength());
}

std::vector<std::string> byte_strings_of(const Napi::Object &object, const char *key) {
  std::vector<std::string> strings;
  const auto array = object.Get(key).As<Napi::Array>();
  for (uint32_t i = 0; i < array.Length(); i++) strings.push_back(bytes_of(array.Get(i)));
  return strings;
}

std::vector<std::string> strings_of(const Napi::Array &array) {
  std::vector<std::string> strings;
  for (uint32_t i = 0; i < array.Length(); i++) strings.push_back(array.Get(i).As<Napi::String>().Utf8Value());
  return strings;
}

std::vector<int> numbers_of(const Napi::Object &object, const char *key) {
  std::vector<int> numbers;
  const auto array = object.Get(key).As<Napi::Array>();
  for (uint32_t i = 0; i < array.Length(); i++) numbers.push_back(array.Get(i).As<Napi::Number>().Int32Value());
  return numbers;
}

Napi::Value number_or_null(Napi::Env env, int64_t value) {
  return value < 0 ? env.Null() : Napi::Number::New(env, static_cast<double>(value)).As<Napi::Value>();
}

Napi::Value string_or_null(Napi::Env env, const std::string &value) {
  return value.empty() ? env.Null() : Napi::String::New(env, value).As<Napi::Value>();
}

template <typename Element, typename Convert>
Napi::Array to_array(Napi::Env env, const std::vector<Element> &elements, Convert convert) {
  Napi::Array array = Napi::Array::New(env, elements.size());
  for (uint32_t i = 0; i < elements.size(); i++) array.Set(i, convert(elements[i]));
  return array;
}

Napi::Object process_object(Napi::Env env, const mp::ProcessRecord &process) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("index", process.index);
  object.Set("pid", process.pid);
  object.Set("parent", number_or_null(env, process.parent));
  object.Set("origin", process.origin);
  object.Set("startedNs", static_cast<double>(process.started_ns));
  object.Set("comm", process.comm);
  object.Set("executable", process.executable);
  object.Set("commandLine", process.command_line);
  object.Set("cgroup", process.cgroup);
  object.Set("runtime", process.runtime);
  object.Set("warning", process.warning);
  return object;
}

Napi::Object end_object(Napi::Env env, const mp::ProcessEndRecord &end) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("index", end.index);
  object.Set("endedNs", static_cast<double>(end.ended_ns));
  object.Set("exitCode", number_or_null(env, end.exit_code));
  object.Set("exitSignal", number_or_null(env, end.exit_signal));
  return object;
}

Napi::Object warning_object(Napi::Env env, const mp::WarningRecord &warning) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("index", warning.process);
  object.Set("text", warning.text);
  return object;
}

Napi::Object thread_object(Napi::Env env, const mp::ThreadRecord &thread) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("index", thread.index);
  object.Set("process", thread.process);
  object.Set("tid", thread.tid);
  object.Set("name", thread.name);
  return object;
}

Napi::Object module_object(Napi::Env env, const mp::ModuleRecord &module) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("index", module.index);
  object.Set("path", module.path);
  object.Set("buildId", module.build_id);
  return object;
}

Napi::Object stack_object(Napi::Env env, const mp::StackRecord &stack) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("index", stack.index);
  object.Set("status", stack.status);
  Napi::Uint32Array locations = Napi::Uint32Array::New(env, stack.locations.size());
  std::copy(stack.locations.begin(), stack.locations.end(), locations.Data());
  object.Set("locations", locations);
  return object;
}

Napi::Object symbols_object(Napi::Env env, const mp::SymbolResult &result, int64_t module) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("location", result.location);
  object.Set("frames", to_array(env, result.frames, [&](const mp::SymbolFrame &frame) {
               Napi::Object value = Napi::Object::New(env);
               value.Set("function", string_or_null(env, frame.function));
               value.Set("file", string_or_null(env, frame.file));
               value.Set("line", frame.line ? Napi::Number::New(env, frame.line).As<Napi::Value>() : env.Null());
               value.Set("language", frame.language);
               value.Set("module", number_or_null(env, module));
               value.Set("inlined", frame.inlined);
               return value;
             }));
  return object;
}

Napi::Object resident_object(Napi::Env env, const mp::ResidentRecord &record) {
  Napi::Object object = Napi::Object::New(env);
  const mp::Resident &bytes = record.bytes;
  const auto set = [&](const char *key, uint64_t value) { object.Set(key, static_cast<double>(value)); };
  object.Set("v8HeapBytes", number_or_null(env, record.has_v8_heap ? static_cast<int64_t>(bytes.v8_heap) : -1));
  set("jitCodeBytes", bytes.jit_code);
  set("brkBytes", bytes.brk);
  set("anonymousBytes", bytes.anonymous);
  set("stackBytes", bytes.stack);
  set("fileBytes", bytes.file);
  set("sharedBytes", bytes.shared);
  set("untouchedBytes", bytes.untouched);
  return object;
}

mp::ProbeMode probe_mode_of(Napi::Env env, const std::string &name) {
  if (name.empty() || name == "auto") return mp::ProbeMode::kAuto;
  if (name == "session") return mp::ProbeMode::kSession;
  if (name == "multi") return mp::ProbeMode::kMulti;
  if (name == "perf") return mp::ProbeMode::kPerf;
  throw Napi::TypeError::New(env, "unknown probe mode " + name);
}

// { all } or { comm } or { cgroup }, and pids that are never traced; undefined: none.
mp::Selection selection_of(const Napi::Value &value) {
  mp::Selection selection;
  if (!value.IsObject()) return selection;
  const auto object = value.As<Napi::Object>();
  selection.strangers = numbers_of(object, "strangers");
  const Napi::Value comm = object.Get("comm"), cgroup = object.Get("cgroup");
  if (comm.IsString()) {
    selection.kind = MP_SELECT_COMM;
    selection.comm = comm.As<Napi::String>();
  } else if (cgroup.IsObject()) {
    const auto of = cgroup.As<Napi::Object>();
    selection.kind = MP_SELECT_CGROUP;
    selection.hierarchy = of.Get("hierarchy").As<Napi::Number>().Uint32Value();
    selection.cgroup = of.Get("inode").As<Napi::Number>().Int64Value();
    selection.cgroup_path = string_of(of, "path");
  } else {
    selection.kind = MP_SELECT_ALL;
  }
  return selection;
}

const char *probe_mode_name(mp::ProbeMode mode) {
  switch (mode) {
    case mp::ProbeMode::kSession:
      return "session";
    case mp::ProbeMode::kMulti:
      return "multi";
    case mp::ProbeMode::kPerf:
      return "perf";
    default:
      return "auto";
  }
}

class Session : public Napi::ObjectWrap<Session> {
 public:
  static void define(Napi::Env env, Napi::Object exports) {
    exports.Set("Session", DefineClass(env, "Session",
                                       {
                                           InstanceMethod<&Session::launch>("launch"),
                                           InstanceMethod<&Session::start>("start"),
                                           InstanceMethod<&Session::attach>("attach"),
                                           InstanceMethod<&Session::name_of>("nameOf"),
                                           InstanceMethod<&Session::wait>("wait"),
                                           InstanceMethod<&Session::poll>("poll"),
                                           InstanceMethod<&Session::stop>("stop"),
                                           InstanceMethod<&Session::close>("close"),
                                           InstanceMethod<&Session::state>("state"),
                                           InstanceMethod<&Session::losses>("losses"),
                                       }));
  }

  explicit Session(const Napi::CallbackInfo &info) : ObjectWrap(info) {
    const auto options = info[0].As<Napi::Object>();
    mp::LoaderOptions loader;
    loader.ring_bytes = options.Get("ringBytes").As<Napi::Number>().Uint32Value();
    loader.probe_mode = probe_mode_of(info.Env(), string_of(options, "probeMode"));
    loader.trace_python_allocators = options.Get("tracePythonAllocators").ToBoolean();
    loader.follow_fork = options.Get("followFork").ToBoolean();
    loader.native_frames = options.Get("nativeFrames").ToBoolean();
    loader.lossless = options.Get("lossless").ToBoolean();
    loader.allocator_prefixes = strings_of(options.Get("allocatorPrefixes").As<Napi::Array>());
    loader.selection = selection_of(options.Get("selection"));
    session_ = forward(info.Env(), [&] { return std::make_unique<mp::Session>(loader); });
  }

 private:
  mp::Session &session(Napi::Env env) {
    if (!session_) throw Napi::Error::New(env, "the session is closed");
    return *session_;
  }

  Napi::Value launch(const Napi::CallbackInfo &info) {
    const auto object = info[0].As<Napi::Object>();
    mp::LaunchOptions options;
    options.file = bytes_of(object.Get("file"));
    options.arguments = byte_strings_of(object, "arguments");
    options.environment = byte_strings_of(object, "environment");
    options.user = string_of(object, "user");
    options.inherited_files = numbers_of(object, "inheritedFiles");
    options.ignored_signals = numbers_of(object, "ignoredSignals");
    options.blocked_signals = numbers_of(object, "blockedSignals");
    if (object.Get("openFilesLimit").IsNumber())
      options.open_files_limit = object.Get("openFilesLimit").As<Napi::Number>().Int64Value();
    const uint32_t pid = forward(info.Env(), [&] { return session(info.Env()).launch(options); });
    return Napi::Number::New(info.Env(), pid);
  }

  void start(const Napi::CallbackInfo &info) {
    forward(info.Env(), [&] { session(info.Env()).start(); });
  }

  void attach(const Napi::CallbackInfo &info) {
    const uint32_t pid = info[0].As<Napi::Number>().Uint32Value();
    forward(info.Env(), [&] { session(info.Env()).attach(pid); });
  }

  Napi::Value name_of(const Napi::CallbackInfo &info) {
    const int pid = info[0].As<Napi::Number>().Int32Value();
    return Napi::String::New(info.Env(), mp::read_comm(pid, pid));
  }

  void wait(const Napi::CallbackInfo &info) { session(info.Env()).wait(info[0].As<Napi::Number>().Int32Value()); }

  Napi::Value poll(const Napi::CallbackInfo &info) {
    const Napi::Env env = info.Env();
    auto words = info[0].As<Napi::Uint32Array>();
    mp::Session &session = this->session(env);
    const mp::Batch &batch = forward(env, [&]() -> const mp::Batch & {
      return session.poll(words.Data(), words.ElementLength() / MP_RECORD_WORDS);
    });
    Napi::Object result = Napi::Object::New(env);
    result.Set("records", words);
    result.Set("count", batch.count);
    result.Set("baseTimeNs", static_cast<double>(batch.base_time_ns));
    result.Set("processes", to_array(env, batch.processes, [&](const auto &p) { return process_object(env, p); }));
    result.Set("ends", to_array(env, batch.ends, [&](const auto &end) { return end_object(env, end); }));
    result.Set("warnings",
               to_array(env, batch.warnings, [&](const auto &warning) { return warning_object(env, warning); }));
    result.Set("threads", to_array(env, batch.threads, [&](const auto &thread) { return thread_object(env, thread); }));
    result.Set("modules", to_array(env, batch.modules, [&](const auto &module) { return module_object(env, module); }));
    result.Set("stacks", to_array(env, batch.stacks, [&](const auto &stack) { return stack_object(env, stack); }));
    result.Set("residents",
               to_array(env, batch.residents, [&](const auto &resident) { return resident_object(env, resident); }));
    result.Set("symbols", to_array(env, batch.symbols, [&](const auto &symbols) {
                 return symbols_object(env, symbols, session.module_of_location(symbols.location));
               }));
    return result;
  }

  void stop(const Napi::CallbackInfo &info) {
    forward(info.Env(), [&] { session(info.Env()).stop(); });
  }

  void close(const Napi::CallbackInfo &info) { session_.reset(); }

  Napi::Value state(const Napi::CallbackInfo &info) {
    mp::Session &session = this->session(info.Env());
    Napi::Object state = Napi::Object::New(info.Env());
    state.Set("hasTargets", session.has_targets());
    state.Set("isSettled", session.is_settled());
    state.Set("processCount", static_cast<double>(session.process_count()));
    state.Set("launchedStatus", number_or_null(info.Env(), session.launched_status()));
    state.Set("pendingSymbols", static_cast<double>(session.pending_symbols()));
    state.Set("nowNs", static_cast<double>(session.now_ns()));
    state.Set("probeMode", probe_mode_name(session.probe_mode()));
    return state;
  }

  Napi::Value losses(const Napi::CallbackInfo &info) {
    Napi::Object result = Napi::Object::New(info.Env());
    for (const auto &[kind, count] : session(info.Env()).losses()) result.Set(kind, static_cast<double>(count));
    return result;
  }

  std::unique_ptr<mp::Session> session_;
};

// A column as a typed array that owns it.
template <typename Value, typename Element>
Napi::Value column(Napi::Env env, std::vector<Element> &&elements) {
  using Values = std::vector<Value>;
  auto *values = [&] {
    if constexpr (std::is_same_v<Element, Value>)
      return new Values(std::move(elements));
    else
      return new Values(elements.begin(), elements.end());
  }();
  elements = {};
  const size_t count = values->size();
  auto buffer = Napi::ArrayBuffer::New(
      env, values->data(), count * sizeof(Value), [](Napi::Env, void *, Values *owned) { delete owned; }, values);
  return Napi::TypedArrayOf<Value>::New(env, count, buffer, 0);
}

Napi::Object heap_type_object(Napi::Env env, const mp::HeapType &type) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("address", static_cast<double>(type.address));
  object.Set("module", type.module);
  object.Set("name", type.name);
  object.Set("isKnown", type.kind != mp::ObjectKind::kUnknown);
  object.Set("isTracked", type.is(mp::kHasCollectorHead));
  return object;
}

// The objects of a Python process.
class Heap : public Napi::ObjectWrap<Heap> {
 public:
  static void define(Napi::Env env, Napi::Object exports) {
    Napi::Function heap =
        DefineClass(env, "Heap",
                    {InstanceMethod<&Heap::read>("read"), InstanceMethod<&Heap::resume>("resume"),
                     InstanceMethod<&Heap::references>("references"), InstanceMethod<&Heap::describe>("describe"),
                     InstanceMethod<&Heap::figures>("figures")});
    exports.Set("Heap", heap);
  }

  explicit Heap(const Napi::CallbackInfo &info) : Napi::ObjectWrap<Heap>(info) {
    forward(info.Env(), [&] { reader_ = info[0].IsString() ? of_core(info) : of_process(info); });
  }

 private:
  Napi::Value read(const Napi::CallbackInfo &info) {
    const Napi::Env env = info.Env();
    mp::HeapSnapshot heap = forward(env, [&] { return reader_->read(); });
    Napi::Object result = Napi::Object::New(env);
    Napi::Array types = Napi::Array::New(env, heap.types.size());
    for (uint32_t i = 0; i < heap.types.size(); i++) types.Set(i, heap_type_object(env, heap.types[i]));
    result.Set("types", types);
    result.Set("addresses", column<double>(env, std::move(heap.addresses)));
    result.Set("sizes", column<double>(env, std::move(heap.sizes)));
    result.Set("typeOf", column<uint32_t>(env, std::move(heap.type_of)));
    result.Set("referenceCounts", column<uint32_t>(env, std::move(heap.reference_counts)));
    result.Set("flags", column<uint8_t>(env, std::move(heap.flags)));
    result.Set("owners", column<uint32_t>(env, std::move(heap.owners)));
    result.Set("firstTarget", column<uint32_t>(env, std::move(heap.first_target)));
    result.Set("targets", column<uint32_t>(env, std::move(heap.targets)));
    Napi::Object problems = Napi::Object::New(env);
    problems.Set("links", static_cast<double>(heap.problems.links));
    problems.Set("objects", static_cast<double>(heap.problems.objects));
    problems.Set("contents", static_cast<double>(heap.problems.contents));
    problems.Set("pools", static_cast<double>(heap.problems.pools));
    problems.Set("limits", static_cast<double>(heap.problems.limits));
    result.Set("problems", problems);
    result.Set("hasPymalloc", heap.has_pymalloc);
    result.Set("arenas", static_cast<double>(heap.arenas));
    result.Set("blocks", static_cast<double>(heap.blocks));
    result.Set("minor", reader_->minor());
    result.Set("unknownObjects", static_cast<double>(heap.unknown_objects));
    result.Set("unknownTypes", static_cast<double>(heap.unknown_types));
    result.Set("target", reader_->target().name());
    result.Set("missingBytes", static_cast<double>(reader_->target().missing_bytes()));
    return result;
  }

  Napi::Value resume(const Napi::CallbackInfo &info) {
    Napi::Object result = Napi::Object::New(info.Env());
    result.Set("pauseNs", static_cast<double>(reader_->resume()));
    result.Set("wasCut", reader_->was_cut());
    return result;
  }

  Napi::Value references(const Napi::CallbackInfo &info) {
    const Napi::Env env = info.Env();
    const auto from = static_cast<uint64_t>(info[0].As<Napi::Number>().Int64Value());
    const uint64_t to = info[1].IsNumber() ? static_cast<uint64_t>(info[1].As<Napi::Number>().Int64Value()) : 0;
    const auto references = forward(env, [&] { return reader_->references(from, to); });
    return to_array(env, references, [&](const mp::HeapReader::Reference &reference) {
      Napi::Object object = Napi::Object::New(env);
      object.Set("target", static_cast<double>(reference.target));
      object.Set("label", reference.label);
      return object;
    });
  }

  Napi::Value describe(const Napi::CallbackInfo &info) {
    const auto object = static_cast<uint64_t>(info[0].As<Napi::Number>().Int64Value());
    return Napi::String::New(info.Env(), reader_->describe(object));
  }

  // pid, the longest pause in nanoseconds; 0: none
  static std::unique_ptr<mp::HeapReader> of_process(const Napi::CallbackInfo &info) {
    const double max_pause_ns = info[1].As<Napi::Number>().DoubleValue();
    const mp::HeapOptions options{max_pause_ns > 0, static_cast<uint64_t>(max_pause_ns)};
    auto process = std::make_unique<mp::HeapProcess>(info[0].As<Napi::Number>().Int32Value());
    return std::make_unique<mp::HeapReader>(std::move(process), options);
  }

  // path of the core file, paths of files that stand in for those that were mapped
  static std::unique_ptr<mp::HeapReader> of_core(const Napi::CallbackInfo &info) {
    const auto others = strings_of(info[1].As<Napi::Array>());
    auto core = std::make_unique<mp::HeapCore>(info[0].As<Napi::String>().Utf8Value(), others);
    return std::make_unique<mp::HeapReader>(std::move(core), mp::HeapOptions{});
  }

  Napi::Value figures(const Napi::CallbackInfo &info) {
    const Napi::Env env = info.Env();
    const mp::HeapFigures figures = forward(env, [&] { return reader_->figures(); });
    Napi::Object result = Napi::Object::New(env);
    const auto set = [&](const char *name, uint64_t value) { result.Set(name, static_cast<double>(value)); };
    if (const auto &pymalloc = figures.pymalloc) {
      set("pymallocBytes", pymalloc->size_bytes);
      set("pymallocMaxBytes", pymalloc->max_size_bytes);
      if (const auto &blocks = pymalloc->blocks) {
        set("pymallocBlocks", blocks->count);
        set("pymallocAllocatedBytes", blocks->allocated_bytes);
        set("pymallocFreeBytes", blocks->free_bytes);
      }
    }
    if (figures.tracked) set("trackedObjects", *figures.tracked);
    if (figures.interned) {
      set("internedStrings", figures.interned->count);
      set("internedBytes", figures.interned->size_bytes);
    }
    return result;
  }

  std::unique_ptr<mp::HeapReader> reader_;
};

Napi::Value kernel_supports(const Napi::CallbackInfo &info) {
  const std::string mode = info[0].As<Napi::String>().Utf8Value();
  return Napi::Boolean::New(info.Env(), mp::kernel_supports(probe_mode_of(info.Env(), mode)));
}

Napi::Value probe_cost(const Napi::CallbackInfo &info) {
  const mp::ProbeCost cost = forward(info.Env(), [] { return mp::measure_probe_cost(); });
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("emulatedNs", cost.emulated_ns);
  result.Set("singleSteppedNs", cost.single_stepped_ns);
  return result;
}

Napi::Value untraced_cost(const Napi::CallbackInfo &info) {
  return Napi::Number::New(info.Env(), forward(info.Env(), [] { return mp::measure_untraced_cost(); }));
}

Napi::Value probe_sites(const Napi::CallbackInfo &info) {
  const Napi::Env env = info.Env();
  const std::string path = info[0].As<Napi::String>().Utf8Value();
  const auto prefixes = strings_of(info[1].As<Napi::Array>());
  std::string error;
  const auto elf = mp::ElfFile::open(path, &error);
  if (!elf) throw to_javascript(env, mp::Error("NOT_FOUND", error, 0));
  const mp::ProbeSites sites = mp::find_probe_sites(*elf, prefixes);
  return to_array(env, sites.functions, [&](const mp::ProbeSites::Function &function) {
    Napi::Object object = Napi::Object::New(env);
    object.Set("name", function.name);
    object.Set("allocator", MP_COOKIE_ALLOCATOR(function.cookie));
    object.Set("offset", static_cast<double>(function.file_offset));
    object.Set("singleStepped", function.single_stepped);
    return object;
  });
}

Napi::Object initialize(Napi::Env env, Napi::Object exports) {
  Session::define(env, exports);
  Heap::define(env, exports);
  exports.Set("kernelSupports", Napi::Function::New(env, kernel_supports));
  exports.Set("probeCost", Napi::Function::New(env, probe_cost));
  exports.Set("untracedCost", Napi::Function::New(env, untraced_cost));
  exports.Set("probeSites", Napi::Function::New(env, probe_sites));
  return exports;
}

}  // namespace

NODE_API_MODULE(mp, initialize)
