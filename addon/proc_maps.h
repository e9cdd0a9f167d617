// The mappings of a process, from the text of /proc/PID/maps. One line:
//
//   7f0c1a026000-7f0c1a17b000 r-xp 00026000 fe:01 131119   /usr/lib/x86_64-linux-gnu/libc.so.6
//   start        end          perm offset   dev   inode    path, or [heap], [vdso], ..., or nothing
//
// The kernel writes a newline in a path as \012 (fs/seq_file.c, seq_path with "\n") and appends " (deleted)" when the
// file has no name any more.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mp {

struct ProcMapping {
  uint64_t start;
  uint64_t end;
  uint64_t offset;  // bytes from the beginning of the file
  bool readable;
  bool executable;
  bool shared;  // MAP_SHARED
  uint64_t inode;
  uint32_t dev_major;
  uint32_t dev_minor;
  std::string path;  // as the target's root and mount namespace names it; "" for anonymous memory
  bool deleted;
};

// nullopt for a line that does not have this form.
std::optional<ProcMapping> parse_proc_mapping(std::string_view line);
// Such lines are left out.
std::vector<ProcMapping> parse_proc_maps(std::string_view text);

// nullopt if the process is gone or may not be read. A kernel thread or a zombie has no mappings.
std::optional<std::vector<ProcMapping>> read_proc_maps(int pid);

}  // namespace mp
