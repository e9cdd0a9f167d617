#include "heap_process.h"

#include <cerrno>
#include <cstdio>

#include "../error.h"
#include "../process_memory.h"

namespace mp {

HeapProcess::HeapProcess(int pid) : pid_(pid) {
  auto maps = read_proc_maps(pid);
  if (!maps) throw Error(errno == EACCES ? "NO_PERMISSION" : "NO_PROCESS", "cannot read " + name(), errno);
  mappings_ = std::move(*maps);
}

std::unique_ptr<ElfFile> HeapProcess::open(const ProcMapping &mapping) {
  char range[40];
  snprintf(range, sizeof(range), "%lx-%lx", mapping.start, mapping.end);
  std::string error;
  return ElfFile::open("/proc/" + std::to_string(pid_) + "/map_files/" + range, &error);
}

bool HeapProcess::read(uint64_t address, void *to, size_t size_bytes) {
  return read_memory(pid_, address, to, size_bytes);
}

}  // namespace mp
