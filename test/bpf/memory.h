// User memory for the unwinder to read: a stack made of words, with places that cannot be read, or this process's own.
#pragma once

#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <set>
#include <vector>

#include "unwinder_host.h"

// Memory from `base` on; nothing else can be read.
class StackImage {
 public:
  explicit StackImage(uint64_t base, size_t word_count = 0) : base_(base), words_(word_count) {}

  uint64_t base() const { return base_; }
  uint64_t end() const { return base_ + words_.size() * 8; }
  uint64_t address(size_t word) const { return base_ + word * 8; }
  std::vector<uint64_t> &words() { return words_; }

  void make_unreadable(uint64_t address) { unreadable_.insert(address & ~uint64_t{7}); }
  void make_readable() {
    unreadable_.clear();
    faults_.clear();
  }
  // Unreadable words that were asked for on their own, not as part of a window.
  const std::set<uint64_t> &faults() const { return faults_; }

  bool read(void *to, uint32_t size_bytes, uint64_t address) {
    if (address < base_ || address > end() || end() - address < size_bytes) return false;
    auto bad = unreadable_.lower_bound(address & ~uint64_t{7});
    if (bad != unreadable_.end() && *bad < address + size_bytes) {
      if (!host.reading_window) faults_.insert(*bad);
      return false;
    }
    memcpy(to, reinterpret_cast<const uint8_t *>(words_.data()) + (address - base_), size_bytes);
    return true;
  }

  void use() {
    host.memory = this;
    host.read = [](void *memory, void *to, uint32_t size_bytes, uint64_t address) {
      return static_cast<StackImage *>(memory)->read(to, size_bytes, address) ? 0 : -1;
    };
  }

 private:
  uint64_t base_;
  std::vector<uint64_t> words_;
  std::set<uint64_t> unreadable_;
  std::set<uint64_t> faults_;
};

// Reads like bpf_probe_read_user: past redzones, and without a crash where nothing is mapped.
inline bool read_own_memory(void *to, uint32_t size_bytes, uint64_t address) {
  iovec local{to, size_bytes};
  iovec remote{reinterpret_cast<void *>(address), size_bytes};
  // not process_vm_readv(), which the sanitizer checks
  return syscall(SYS_process_vm_readv, getpid(), &local, 1UL, &remote, 1UL, 0UL) == static_cast<long>(size_bytes);
}

inline void use_own_memory() {
  host.memory = nullptr;
  host.read = [](void *, void *to, uint32_t size_bytes, uint64_t address) {
    return read_own_memory(to, size_bytes, address) ? 0 : -1;
  };
}
