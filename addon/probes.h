// Attaching uprobes. libbpf 1.1 knows neither uprobe_multi nor session links, so BPF_LINK_CREATE is called directly
// (layout: union bpf_attr, link_create.uprobe_multi in include/uapi/linux/bpf.h of Linux 6.6).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "unique_fd.h"

namespace mp {

struct UprobeSite {
  uint64_t file_offset;
  uint64_t cookie;  // MP_COOKIE of an allocator function
};

// Link fd, or -1 and errno. `pid` 0: every process.
int create_uprobe_multi(int program_fd, const std::string &path, const std::vector<UprobeSite> &sites, uint32_t pid,
                        uint32_t attach_type, bool at_return);

// The descriptors that keep one perf-event uprobe alive: the event and the BPF link on it. `pid` 0: every process.
std::vector<UniqueFd> create_uprobe_perf(int program_fd, const std::string &path, const UprobeSite &site, uint32_t pid,
                                         bool at_return);

}  // namespace mp
