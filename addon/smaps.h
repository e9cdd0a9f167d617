// The mappings of a process with what of each is in memory, from the text of /proc/PID/smaps: a line as in
// /proc/PID/maps (proc_maps.h), and some twenty with numbers, of which one is read (fs/proc/task_mmu.c, show_smap):
//
//   7f0c1a026000-7f0c1a17b000 rw-p 00000000 00:00 0
//   Size:               1364 kB
//   Rss:                 644 kB
//   …
//
// The kernel holds the lock of the process's mappings while it counts pages, and lets go of it between two reads. One
// read gives a few mappings, so that the process never waits for longer than the largest of them takes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proc_maps.h"

namespace mp {

struct ResidentMapping {
  ProcMapping mapping;
  uint64_t resident_bytes;
};

// Takes the text in pieces of any length. Lines of another form are left out.
class SmapsParser {
 public:
  void add(std::string_view text);
  // A last line without an end is left out.
  std::vector<ResidentMapping> take() { return std::move(mappings_); }

 private:
  void add_line(std::string_view line);

  std::string unfinished_;  // line
  bool is_known_ = false;   // the numbers that come belong to the last mapping
  std::vector<ResidentMapping> mappings_;
};

// nullopt if the process is gone or may not be read; empty for one that has ended and was not waited for.
std::optional<std::vector<ResidentMapping>> read_smaps(int pid);

}  // namespace mp
