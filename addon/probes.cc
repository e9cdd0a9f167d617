#include "probes.h"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include <cstdio>
#include <cstring>

#include "error.h"

namespace mp {
namespace {

constexpr uint32_t kUprobeMultiReturn = 1;  // BPF_F_UPROBE_MULTI_RETURN

struct LinkCreateUprobeMulti {
  uint32_t prog_fd;
  uint32_t target_fd;
  uint32_t attach_type;
  uint32_t flags;
  uint64_t path;
  uint64_t offsets;
  uint64_t ref_ctr_offsets;
  uint64_t cookies;
  uint32_t cnt;
  uint32_t multi_flags;
  uint32_t pid;
  uint32_t pad;
};

// The dynamic type number of the uprobe PMU.
int uprobe_event_type() {
  FILE *file = fopen("/sys/bus/event_source/devices/uprobe/type", "re");
  int type = -1;
  if (file) {
    if (fscanf(file, "%d", &type) != 1) type = -1;
    fclose(file);
  }
  return type;
}

}  // namespace

int create_uprobe_multi(int program_fd, const std::string &path, const std::vector<UprobeSite> &sites, uint32_t pid,
                        uint32_t attach_type, bool at_return) {
  std::vector<uint64_t> offsets, cookies;
  for (const UprobeSite &site : sites) {
    offsets.push_back(site.file_offset);
    cookies.push_back(site.cookie);
  }
  LinkCreateUprobeMulti attributes = {};
  attributes.prog_fd = program_fd;
  attributes.attach_type = attach_type;
  attributes.path = reinterpret_cast<uint64_t>(path.c_str());
  attributes.offsets = reinterpret_cast<uint64_t>(offsets.data());
  attributes.cookies = reinterpret_cast<uint64_t>(cookies.data());
  attributes.cnt = sites.size();
  attributes.multi_flags = at_return ? kUprobeMultiReturn : 0;
  attributes.pid = pid;
  return syscall(__NR_bpf, BPF_LINK_CREATE, &attributes, sizeof(attributes));
}

std::vector<UniqueFd> create_uprobe_perf(int program_fd, const std::string &path, const UprobeSite &site, uint32_t pid,
                                         bool at_return) {
  perf_event_attr attributes = {};
  attributes.size = sizeof(attributes);
  const int type = uprobe_event_type();
  if (type < 0) throw Error("UNSUPPORTED", "this kernel has no uprobe events", 0);
  attributes.type = type;
  attributes.config = at_return ? 1 : 0;
  attributes.config1 = reinterpret_cast<uint64_t>(path.c_str());
  attributes.config2 = site.file_offset;
  std::vector<UniqueFd> descriptors;
  // The program runs in every thread that shares the address space of `pid`, not only in that thread; and of an event
  // for everybody on one CPU it runs on all CPUs (uprobe_perf_func, kernel/trace/trace_uprobe.c).
  const int target = pid ? static_cast<int>(pid) : -1, cpu = pid ? -1 : 0;
  descriptors.emplace_back(syscall(__NR_perf_event_open, &attributes, target, cpu, -1, PERF_FLAG_FD_CLOEXEC));
  if (!descriptors[0]) throw Error("ATTACH", "cannot create a uprobe in " + path, errno);
  LIBBPF_OPTS(bpf_link_create_opts, options, .perf_event = {.bpf_cookie = site.cookie});
  descriptors.emplace_back(bpf_link_create(program_fd, descriptors[0].get(), BPF_PERF_EVENT, &options));
  if (!descriptors[1]) throw Error("ATTACH", "cannot attach to a uprobe in " + path, errno);
  if (ioctl(descriptors[0].get(), PERF_EVENT_IOC_ENABLE, 0) < 0)
    throw Error("ATTACH", "cannot enable a uprobe in " + path, errno);
  return descriptors;
}

}  // namespace mp
