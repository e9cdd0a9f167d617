// A running process, read with process_vm_readv.
#pragma once

#include "heap_target.h"

namespace mp {

class HeapProcess : public HeapTarget {
 public:
  // Throws Error if it is gone or may not be read.
  explicit HeapProcess(int pid);

  std::string name() const override { return "process " + std::to_string(pid_); }
  const std::vector<ProcMapping> &mappings() const override { return mappings_; }
  std::unique_ptr<ElfFile> open(const ProcMapping &mapping) override;
  bool read(uint64_t address, void *to, size_t size_bytes) override;
  size_t read_scattered(const std::vector<uint64_t> &addresses, void *to, size_t size_bytes) override;
  std::unique_ptr<HeapPause> pause(uint64_t max_ns) override { return std::make_unique<HeapPause>(pid_, max_ns); }

 private:
  int pid_;
  std::vector<ProcMapping> mappings_;
};

}  // namespace mp
