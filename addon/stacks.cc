#include "stacks.h"

#include <algorithm>
#include <functional>

#include "../bpf/stack_hash.h"
#include "process_memory.h"

namespace mp {
namespace {

constexpr size_t kMaxLineTable = 16 << 20;
constexpr uint64_t kBytesData = 32;  // PyBytesObject.ob_sval
// Far more than programs have that don't make code all day long.
constexpr size_t kMaxLocations = 1 << 20;
constexpr size_t kMaxPythonCodeBytes = 256 << 20;

const char *stack_status_name(uint32_t status) {
  switch (status) {
    case MP_STACK_COMPLETE:
      return "complete";
    case MP_STACK_TRUNCATED:
      return "truncated";
    case MP_STACK_UNWINDER_BUSY:
      return "missing";
    default:
      return "incomplete";
  }
}

// An allocator maps and unmaps memory for itself. Within malloc BPF knows that; within free, which has no return probe,
// and before main only the stack tells.
void classify_caller(const Process &process, const mp_event_stack &event, const uint64_t *frames, KnownStack &stack) {
  const MappedModule *caller = event.frame_count ? Targets::find_mapping(process, frames[0] - 1) : nullptr;
  if (!caller || !caller->module || !caller->module->has_allocator) return;
  stack.is_allocators = true;
  stack.is_internal = caller->module->is_allocator_library;
  for (uint32_t i = 0; i < event.frame_count; i++) {
    const uint64_t address = frames[i] - 1;
    if (address < caller->start || address >= caller->end) return;
    for (const auto &[begin, end] : caller->module->allocator_code)
      if (address - caller->bias >= begin && address - caller->bias < end) stack.is_internal = true;
  }
}

// Outermost frames among which that function is: below it, clone3 and start_thread of libc.
constexpr uint32_t kRootFrames = 4;

const char *find_thread_name(const Process &process, const mp_event_stack &event, const uint64_t *frames) {
  if (!process.v8_module || event.event.stack_status != MP_STACK_COMPLETE) return nullptr;
  for (uint32_t i = 1; i <= event.frame_count && i <= kRootFrames; i++) {
    const uint64_t address = frames[event.frame_count - i] - 1;
    const MappedModule *mapped = Targets::find_mapping(process, address);
    if (!mapped || mapped->module != process.v8_module) continue;
    for (const NodeThreadRoot &root : mapped->module->thread_roots)
      if (address - mapped->bias >= root.begin && address - mapped->bias < root.end) return root.name;
  }
  return nullptr;
}

bool is_evaluation(const Process &process, uint64_t address) {
  const PythonProcess &python = process.python;
  return python.module && python.module->python->is_evaluation(address - python.bias);
}

// _Py_InitCleanup (Python/specialize.c, from 3.13 on): a frame that the interpreter puts below that of __init__, to
// look at what it returns. Tracebacks do not show it.
bool is_internal(const PythonCode &code) {
  return code.name == "__init__" && code.file == "__init__";
}

uint64_t hash_code(const PythonCode &code) {
  const std::hash<std::string> hash;
  uint64_t result = code.first_line;
  for (const std::string *part : {&code.name, &code.file, &code.line_table})
    result = (result ^ hash(*part)) * 0x9E3779B97F4A7C15ull + part->size();
  return result;
}

uint64_t hash_symbols(const std::vector<SymbolFrame> &symbols) {
  const std::hash<std::string> hash;
  uint64_t result = symbols.size();
  for (const SymbolFrame &symbol : symbols)
    for (const uint64_t word : {hash(symbol.function), hash(symbol.file), size_t{symbol.line}})
      result = (result ^ word) * 0x9E3779B97F4A7C15ull + symbol.function.size();
  return result;
}

// BPF sends the beginning of a large line table. The rest, if the process still has it behind that beginning.
std::string read_line_table(int pid, uint64_t field, size_t size_bytes, const std::string &beginning) {
  const auto object = read_memory<uint64_t>(pid, field);
  std::string table(size_bytes, '\0');
  const bool is_read = object && size_bytes <= kMaxLineTable &&
                       read_memory(pid, *object + kBytesData, table.data(), size_bytes) &&
                       table.compare(0, beginning.size(), beginning) == 0;
  return is_read ? table : beginning;
}

}  // namespace

uint32_t Stacks::index_of(const char *status, std::vector<uint32_t> locations, Batch &batch) {
  if (rest_ >= 0 && std::find(locations.begin(), locations.end(), rest_) != locations.end()) status = "merged";
  const StackIndexes::Added added = indexes_.add(status, locations);
  if (added.is_new) batch.stacks.push_back({added.index, status, std::move(locations)});
  return added.index;
}

KnownStack Stacks::of_event(Process &process, uint64_t hash, const mp_event &event, Batch &batch) {
  if (!hash) return {index_of(stack_status_name(event.stack_status), {}, batch)};  // no walk took place
  const KnownStack *known = nullptr;
  if (hash & MP_STACK_SHARED)
    known = shared_.find(hash, event.time_ns);
  else if (process.v8)
    known = process.javascript_stacks.find(hash, event.time_ns);
  if (!known) known = process.stacks.find(hash, event.time_ns);
  if (known) return *known;
  return process.stacks.add(hash, event.time_ns) = {index_of("missing", {}, batch), true};
}

// Modules may have come and gone since BPF saw them: what the frames mean now need not be what the hash says.
bool Stacks::has_hash(const Process &process, const mp_event_stack &event, const uint64_t *frames) {
  uint64_t hash = 0;
  for (uint32_t i = 0; i < event.frame_count; i++) {
    const MappedModule *mapped = Targets::find_mapping(process, frames[i] - 1);
    if (!mapped || !mapped->module) return false;
    const uint64_t offset = frames[i] - 1 - mapped->bias - mapped->module->lowest_address;
    hash = mp_hash_word(hash, mp_hash_place(mapped->module->index, offset));
  }
  return mp_finish_hash(hash, event.event.stack_status, true) == event.stack;
}

bool Stacks::add(const Process &process, StackTable &own_table, const mp_event_stack &event, const uint64_t *frames,
                 const std::vector<uint32_t> &javascript, Batch &batch) {
  const bool is_shared = event.stack & MP_STACK_SHARED && has_hash(process, event, frames);
  StackTable &table = is_shared ? shared_ : own_table;
  const KnownStack *known = table.find(event.stack, event.event.time_ns);
  if (known && !known->is_lost) return true;
  std::vector<uint32_t> locations;
  locations.reserve(event.frame_count + event.python_count);
  const uint64_t *python = frames + event.frame_count, *python_end = python + event.python_count;
  for (uint32_t i = 0; i < event.frame_count; i++) {
    const uint64_t address = frames[i] - 1;  // a return address is behind its call: - 1 lies in it
    // The evaluation loop has called what is further in, and runs these frames.
    for (bool is_loop = python < python_end && is_evaluation(process, address); is_loop && python < python_end;) {
      is_loop = !MP_PYTHON_FRAME_ENTRY(*python);
      add_python(process, *python++, locations, batch);
    }
    const bool is_javascript = i < javascript.size();
    if (is_javascript && javascript[i] != V8Place::kNoLocation)
      locations.push_back(javascript[i]);
    else if (!native_frames_)
      continue;
    else if (is_javascript && MP_V8_IS_INTERPRETED(frames[i]))
      locations.push_back(location_of(process, Targets::interpreter_address(process), batch));
    else
      locations.push_back(location_of(process, address, batch));
  }
  // of a native walk that broke off
  while (python < python_end) add_python(process, *python++, locations, batch);
  if (locations.empty() && event.frame_count) locations.push_back(location_of(process, frames[0] - 1, batch));
  KnownStack stack{index_of(stack_status_name(event.event.stack_status), std::move(locations), batch)};
  classify_caller(process, event, frames, stack);
  stack.thread_name = find_thread_name(process, event, frames);
  table.add(event.stack, event.event.time_ns) = stack;
  return is_shared || !(event.stack & MP_STACK_SHARED);
}

uint32_t Stacks::location_of(const Process &process, uint64_t address, Batch &batch) {
  const MappedModule *mapped = Targets::find_mapping(process, address);
  const bool known = mapped && mapped->module;
  const uint64_t module_address = known ? address - mapped->bias : address;
  // module in the upper 16 bits, address in the lower 48; no module has index 0xffff
  const uint64_t key =
      (known ? static_cast<uint64_t>(mapped->module->index) : 0xffffull) << 48 | (module_address & 0xffffffffffffull);
  return location(locations_, key, known ? static_cast<int64_t>(mapped->module->index) : -1, batch,
                  [&](uint32_t location) {
                    if (known)
                      symbolizer_.request({location, mapped->module->index, module_address});
                    else
                      batch.symbols.push_back({location, {SymbolFrame{}}});
                  });
}

uint32_t Stacks::javascript_location_of(std::vector<SymbolFrame> symbols, Batch &batch) {
  return location(javascript_locations_, hash_symbols(symbols), -1, batch, [&](uint32_t location) {
    batch.symbols.push_back({location, std::move(symbols)});
  });
}

template <typename Make>
uint32_t Stacks::location(std::unordered_map<uint64_t, uint32_t> &table, uint64_t key, int64_t module, Batch &batch,
                          const Make &make) {
  if (const auto found = table.find(key); found != table.end()) return found->second;
  if (location_modules_.size() >= kMaxLocations) {
    if (rest_ < 0) {
      rest_ = new_location(-1);
      batch.symbols.push_back({static_cast<uint32_t>(rest_), {SymbolFrame{}}});
    }
    return rest_;
  }
  const uint32_t location = table[key] = new_location(module);
  make(location);
  return location;
}

uint32_t Stacks::new_location(int64_t module) {
  location_modules_.push_back(module);
  return location_modules_.size() - 1;
}

// ---- Python ----

// Code that says the same gets one index, also if it is made again and again at other addresses.
void Stacks::add_python_code(Process &process, const mp_event_python_code &event, const uint8_t *line_table) {
  if (!process.python.module) return;
  const int minor = process.python.module->python->minor;
  const uint32_t length = std::min<uint32_t>(event.line_table_length, MP_PYTHON_MAX_LINE_TABLE);
  PythonCode code;
  code.name = python_string(minor, event.name, event.name_length).value_or("");
  code.file = python_string(minor, event.file, event.file_length).value_or("");
  code.first_line = event.first_line;
  code.line_table.assign(reinterpret_cast<const char *>(line_table), length);
  if (length < event.line_table_length)
    code.line_table = read_line_table(process.pid, event.code + process.python.module->python->layout.code_line_table,
                                      event.line_table_length, code.line_table);
  code.line_table_cut = code.line_table.size() < event.line_table_length;
  const uint64_t hash = hash_code(code);
  const auto found = python_code_indexes_.find(hash);
  if (found != python_code_indexes_.end()) {
    process.python.codes[event.code] = found->second;
  } else if (python_code_bytes_ < kMaxPythonCodeBytes) {
    process.python.codes[event.code] = python_code_indexes_[hash] = python_codes_.size();
    python_code_bytes_ += sizeof(code) + code.name.size() + code.file.size() + code.line_table.size();
    python_codes_.emplace_back(minor, std::move(code));
  } else {
    process.python.codes.erase(event.code);
  }
}

void Stacks::add_python(const Process &process, uint64_t frame, std::vector<uint32_t> &locations, Batch &batch) {
  const auto found = process.python.codes.find(MP_PYTHON_FRAME_CODE(frame));
  if (found != process.python.codes.end() && is_internal(python_codes_[found->second].second)) return;
  locations.push_back(python_location_of(process, frame, batch));
}

uint32_t Stacks::python_location_of(const Process &process, uint64_t frame, Batch &batch) {
  const auto found = process.python.codes.find(MP_PYTHON_FRAME_CODE(frame));
  const bool known = found != process.python.codes.end();
  const uint32_t code_index = known ? found->second : ~0u, unit = known ? MP_PYTHON_FRAME_UNIT(frame) : 0;
  const uint64_t key = static_cast<uint64_t>(code_index) << 32 | unit;
  return location(python_locations_, key, -1, batch, [&](uint32_t location) {
    SymbolFrame symbol;
    symbol.language = "python";
    if (known) {
      const auto &[minor, code] = python_codes_[code_index];
      symbol.function = code.name;
      symbol.file = code.file;
      // before its first instruction a frame is on the line of its def
      symbol.line = unit == MP_PYTHON_NO_UNIT ? code.first_line : python_line(minor, code, unit * 2);
    }
    batch.symbols.push_back({location, {symbol}});
  });
}

}  // namespace mp
