// A process that a core file keeps. What the core file left out because it was mapped from a file and never changed is
// read from that file, if it still is the same one: its build id is, or else its first page.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "../mapped_file.h"
#include "core_file.h"
#include "heap_target.h"

namespace mp {

class HeapCore : public HeapTarget {
 public:
  // `others` are files that may stand in for those that were mapped. Throws Error if this is no core file.
  HeapCore(const std::string &path, std::vector<std::string> others);

  std::string name() const override;
  const std::vector<ProcMapping> &mappings() const override { return core_->mappings(); }
  std::unique_ptr<ElfFile> open(const ProcMapping &mapping) override;
  bool read(uint64_t address, void *to, size_t size_bytes) override;
  std::unique_ptr<HeapPause> pause(uint64_t) override { return nullptr; }
  uint64_t missing_bytes() const override { return core_->missing_bytes(); }
  std::string hint() const override;

 private:
  const MappedFile *file(const std::string &path);
  std::unique_ptr<MappedFile> find(const std::string &path);
  std::vector<uint8_t> first_page(const std::string &path) const;

  std::string path_;
  std::vector<std::string> others_;
  std::unique_ptr<MappedFile> bytes_;
  std::unique_ptr<CoreFile> core_;
  std::map<std::string, std::unique_ptr<MappedFile>> files_;  // by the path of NT_FILE; nullptr: it can't be had
};

}  // namespace mp
