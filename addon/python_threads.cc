#include "python_threads.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

#include "process_memory.h"

namespace mp {
namespace {

constexpr int kMinMinor = 8, kMaxMinor = 13;
constexpr size_t kMaxInterpreters = 256;
// How often threads are read that are not the same twice.
constexpr int kAttempts = 4;
// PyModuleObject (Include/internal/pycore_moduleobject.h, before 3.10 in Objects/moduleobject.c)
constexpr uint64_t kModuleDict = 16;

struct InterpreterOffsets {
  uint64_t head;     // from _PyRuntime to the first, newest interpreter; the main one is the last
  uint64_t next;     // from a PyInterpreterState to the next
  uint64_t modules;  // to the dict sys.modules
};

// Words of _Py_DebugOffsets of 3.13 (Include/internal/pycore_runtime.h), counted from its beginning.
enum DebugOffset { kCookie = 0, kFreeThreaded = 2, kInterpretersHead = 5, kNextInterpreter = 8, kModules = 11, kEnd };

// _PyRuntimeState.interpreters.head, PyInterpreterState.next, and PyInterpreterState.modules, from 3.12 imports.modules
// (Include/internal/pycore_runtime.h, pycore_interp.h; of 3.8: pycore_pystate.h).
std::optional<InterpreterOffsets> interpreter_offsets(PythonObjects &memory, int minor, uint64_t runtime) {
  if (minor < kMinMinor || minor > kMaxMinor) return std::nullopt;
  if (minor == 8) return InterpreterOffsets{32, 0, 56};
  if (minor <= 10) return InterpreterOffsets{32, 0, 856};
  if (minor == 11) return InterpreterOffsets{40, 0, 888};
  if (minor == 12) return InterpreterOffsets{40, 0, 944};
  const auto words = memory.read<std::array<uint64_t, kEnd>>(runtime);
  if (!words || memcmp(&(*words)[kCookie], "xdebugpy", 8) != 0 || (*words)[kFreeThreaded] != 0) return std::nullopt;
  return InterpreterOffsets{(*words)[kInterpretersHead], (*words)[kNextInterpreter], (*words)[kModules]};
}

std::vector<uint64_t> find_interpreters(PythonObjects &memory, const InterpreterOffsets &offsets, uint64_t runtime) {
  std::vector<uint64_t> interpreters;
  auto interpreter = memory.read<uint64_t>(runtime + offsets.head);
  while (interpreter && *interpreter != 0 && interpreters.size() < kMaxInterpreters) {
    if (std::find(interpreters.begin(), interpreters.end(), *interpreter) != interpreters.end()) break;
    interpreters.push_back(*interpreter);
    interpreter = memory.read<uint64_t>(*interpreter + offsets.next);
  }
  return interpreters;
}

std::optional<PythonThread> read_thread(PythonObjects &memory, uint64_t thread) {
  const auto attributes = memory.attributes(thread);
  if (!attributes) return std::nullopt;
  const uint64_t name_object = memory.find(*attributes, "_name");
  const uint64_t id_object = memory.find(*attributes, "_native_id");
  if (name_object == 0 || id_object == 0) return std::nullopt;
  auto name = memory.text(name_object);
  const auto native_id = memory.number(id_object);
  if (!name || !native_id) return std::nullopt;
  return PythonThread{*native_id, std::move(*name), false};
}

// A thread can end while it is read, and its memory be that of another one, before its name is read or after: one is
// what two readings say.
std::vector<PythonThread> read_threads(PythonObjects &memory, const PythonObjects::Entries &active, uint64_t main) {
  struct Reading {
    std::optional<PythonThread> thread;
    bool is_confirmed;
  };
  std::vector<Reading> readings(active.size());
  for (int attempt = 0; attempt < kAttempts; attempt++) {
    memory.forget();
    for (size_t i = 0; i < active.size(); i++) {
      Reading &reading = readings[i];
      if (reading.is_confirmed) continue;
      auto thread = read_thread(memory, active[i].value);
      reading.is_confirmed = thread && reading.thread && *thread == *reading.thread;
      reading.thread = std::move(thread);
    }
  }
  std::vector<PythonThread> threads;
  for (size_t i = 0; i < active.size(); i++) {
    if (!readings[i].is_confirmed) continue;
    threads.push_back(std::move(*readings[i].thread));
    threads.back().is_main = active[i].value == main;
  }
  return threads;
}

// The variables of the module `threading`; nullopt if it is not loaded.
std::optional<PythonObjects::Entries> threading_module(PythonObjects &memory, uint64_t modules_variable) {
  const auto modules = memory.read<uint64_t>(modules_variable);
  const auto loaded = modules ? memory.items_at_once(*modules) : std::nullopt;
  const uint64_t module = loaded ? memory.find(*loaded, "threading") : 0;
  const auto dict = module != 0 ? memory.read<uint64_t>(module + kModuleDict) : std::nullopt;
  return dict ? memory.items_at_once(*dict) : std::nullopt;
}

std::vector<PythonThread> threads_of_interpreter(PythonObjects &memory, uint64_t modules_variable) {
  const auto variables = threading_module(memory, modules_variable);
  const uint64_t active = variables ? memory.find(*variables, "_active") : 0;
  const auto by_identifier = active != 0 ? memory.items_at_once(active) : std::nullopt;
  if (!by_identifier) return {};
  return read_threads(memory, *by_identifier, memory.find(*variables, "_main_thread"));
}

// What gettid() gives in a thread, whose id is `tid` in the pid namespace of /proc: the last number of the line NSpid.
uint32_t own_thread_id(const std::string &directory, uint32_t tid) {
  std::ifstream status(directory + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("NSpid:", 0) != 0) continue;
    std::istringstream ids(line.substr(6));
    uint32_t own = tid;
    for (uint32_t id; ids >> id;) own = id;
    return own;
  }
  return tid;
}

bool has_thread(int pid, uint32_t tid) {
  return syscall(SYS_tgkill, pid, tid, 0) == 0 || errno == EPERM;
}

// From what gettid() gives in the threads of a process to their ids in the pid namespace of /proc.
std::map<uint32_t, uint32_t> thread_ids_in_namespace(const std::string &process) {
  std::map<uint32_t, uint32_t> ids;
  std::error_code error;
  std::filesystem::directory_iterator entry(process + "/task", error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().filename();
    uint32_t tid = 0;
    std::from_chars(name.data(), name.data() + name.size(), tid);
    ids.emplace(own_thread_id(entry->path(), tid), tid);
  }
  return ids;
}

}  // namespace

bool PythonThread::operator==(const PythonThread &other) const {
  return native_id == other.native_id && name == other.name && is_main == other.is_main;
}

std::vector<PythonThread> read_python_threads(const MemoryReader &reader, int minor, uint64_t runtime) {
  PythonObjects memory(minor, reader);
  std::vector<PythonThread> threads;
  const auto offsets = interpreter_offsets(memory, minor, runtime);
  if (!offsets) return threads;
  const std::vector<uint64_t> interpreters = find_interpreters(memory, *offsets, runtime);
  for (auto interpreter = interpreters.rbegin(); interpreter != interpreters.rend(); ++interpreter) {
    for (PythonThread &thread : threads_of_interpreter(memory, *interpreter + offsets->modules)) {
      thread.is_main &= interpreter == interpreters.rbegin();
      threads.push_back(std::move(thread));
    }
  }
  return threads;
}

// The thread that calls fork is the only one of the new process, its main thread, and keeps the `_native_id` that it
// has in the old one.
std::map<uint32_t, std::string> read_python_thread_names(int pid, const PythonImage &image, uint64_t bias) {
  std::map<uint32_t, std::string> names;
  if (!image.unsupported.empty() || pid <= 0) return names;
  const MemoryReader reader = [pid](uint64_t address, void *to, size_t size_bytes) {
    return read_memory(pid, address, to, size_bytes);
  };
  const std::vector<PythonThread> threads = read_python_threads(reader, image.minor, image.runtime + bias);
  if (threads.empty()) return names;
  const auto process_id = static_cast<uint32_t>(pid);
  const std::string process = "/proc/" + std::to_string(pid);
  const bool has_namespace = own_thread_id(process, process_id) != process_id;
  const auto ids = has_namespace ? thread_ids_in_namespace(process) : std::map<uint32_t, uint32_t>();
  for (const PythonThread &thread : threads) {
    const auto inside = ids.find(thread.native_id);
    const uint32_t tid = !has_namespace ? thread.native_id : inside != ids.end() ? inside->second : 0;
    if (tid != 0 && has_thread(pid, tid))
      names.emplace(tid, thread.name);
    else if (thread.is_main && has_thread(pid, process_id))
      names.emplace(process_id, thread.name);
  }
  return names;
}

}  // namespace mp
