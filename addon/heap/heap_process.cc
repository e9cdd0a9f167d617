#include "heap_process.h"

#include <sys/uio.h>

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

size_t HeapProcess::read_scattered(const std::vector<uint64_t> &addresses, void *to, size_t size_bytes) {
  std::vector<iovec> there;
  for (const uint64_t address : addresses) there.push_back({reinterpret_cast<void *>(address), size_bytes});
  iovec here{to, addresses.size() * size_bytes};
  const ssize_t copied = process_vm_readv(pid_, &here, 1, there.data(), there.size(), 0);
  return copied < 0 ? 0 : static_cast<size_t>(copied) / size_bytes;
}

}  // namespace mp
