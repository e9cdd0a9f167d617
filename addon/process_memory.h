// Memory of another process.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <optional>

namespace mp {

// nullopt if the process is gone or has nothing there.
template <typename T>
std::optional<T> read_memory(int pid, uint64_t address) {
  T value;
  iovec local{&value, sizeof(value)}, remote{reinterpret_cast<void *>(address), sizeof(value)};
  if (process_vm_readv(pid, &local, 1, &remote, 1, 0) != static_cast<ssize_t>(sizeof(value))) return std::nullopt;
  return value;
}

}  // namespace mp
