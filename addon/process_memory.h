// Memory of another process.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>

namespace mp {

// Copies `size_bytes` bytes at `address`; false if not all of them can be read.
using MemoryReader = std::function<bool(uint64_t address, void *to, size_t size_bytes)>;

// false if the process is gone or does not have all of it.
inline bool read_memory(int pid, uint64_t address, void *to, size_t size_bytes) {
  iovec local{to, size_bytes}, remote{reinterpret_cast<void *>(address), size_bytes};
  return process_vm_readv(pid, &local, 1, &remote, 1, 0) == static_cast<ssize_t>(size_bytes);
}

// nullopt if the process is gone or has nothing there.
template <typename T>
std::optional<T> read_memory(int pid, uint64_t address) {
  T value;
  if (!read_memory(pid, address, &value, sizeof(value))) return std::nullopt;
  return value;
}

}  // namespace mp
