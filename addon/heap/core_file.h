// An ELF core file of an x86-64 process (core(5); fs/binfmt_elf.c, elf_core_dump): which memory there was, what of it
// the file keeps, and which files were mapped. The file is not trusted: what does not lie within it is treated as
// absent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "../byte_reader.h"
#include "../proc_maps.h"

namespace mp {

class CoreFile {
 public:
  // nullptr and the rest of a sentence in *error if this is no such file. The bytes stay the caller's and must outlive
  // the result.
  static std::unique_ptr<CoreFile> parse(const uint8_t *data, size_t size_bytes, std::string *error);

  // Of the process (NT_PRSTATUS); 0: unknown.
  int pid() const { return pid_; }
  // Sorted by address, as /proc/PID/maps had them. The inode is 1 where a file was mapped (NT_FILE), else 0; device
  // numbers are unknown.
  const std::vector<ProcMapping> &mappings() const { return mappings_; }
  // Bytes of memory that the file should keep and does not: it was cut short.
  uint64_t missing_bytes() const { return missing_bytes_; }

  // Copies what the file keeps from an address on, and returns how many of `size_bytes` that is.
  size_t copy(uint64_t address, void *to, size_t size_bytes) const;
  // The mapped file that has the byte at an address, which the core file was not to keep because it is what the file
  // has; nullptr if there is none.
  const ProcMapping *file_at(uint64_t address) const;

 private:
  struct Segment {
    uint64_t address;
    uint64_t memory_bytes;
    uint64_t dumped_bytes;  // that the file should keep
    uint64_t kept_bytes;    // that it does
    uint64_t offset;
    bool readable;
    bool executable;
  };

  CoreFile(const uint8_t *data, size_t size_bytes) : data_(data), size_bytes_(size_bytes) {}
  void add_segment(const uint8_t *header);
  void read_notes(ByteReader notes);
  void read_files(ByteReader note);
  void add_anonymous();
  const Segment *segment_at(uint64_t address) const;

  const uint8_t *data_;
  size_t size_bytes_;
  int pid_ = 0;
  uint64_t missing_bytes_ = 0;
  std::vector<Segment> segments_;  // sorted by address
  std::vector<ProcMapping> mappings_;
};

}  // namespace mp
