// Names of the threads of a CPython 3.8 to 3.13 that is running: threading.Thread.name, which the kernel does not know.
//
//   _PyRuntime -> interpreters -> sys.modules -> module threading -> _active: {identifier: Thread} -> _name, _native_id
//
// It is read without stopping the interpreter, which see python_objects.h.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "python_layout.h"
#include "python_objects.h"

namespace mp {

struct PythonThread {
  uint32_t native_id;  // what gettid() gave when the thread began: in its pid namespace, and before a fork
  std::string name;    // UTF-8, PythonObjects::kMaxText code points at most
  bool is_main;        // threading.main_thread() of the main interpreter

  bool operator==(const PythonThread &other) const;
};

// The threads that `threading` knows in all interpreters, those of the main interpreter first. `runtime` is the address
// of _PyRuntime. Threads that change whenever they are read are left out.
std::vector<PythonThread> read_python_threads(const MemoryReader &reader, int minor, uint64_t runtime);

// Names of running threads by kernel thread id, as /proc has it. Empty if the process is gone, its `threading` is not
// loaded, or its memory makes no sense.
std::map<uint32_t, std::string> read_python_thread_names(int pid, const PythonImage &image, uint64_t bias);

}  // namespace mp
