#include "selection.h"

#include <dirent.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "proc_info.h"

namespace mp {
namespace {

constexpr size_t kCommLength = MP_COMM_LENGTH - 1;

bool is_below(const std::string &path, const std::string &directory) {
  if (directory == "/" || path == directory) return true;
  return path.rfind(directory + "/", 0) == 0;
}

bool is_selected(const Selection &selection, int pid) {
  switch (selection.kind) {
    case MP_SELECT_ALL:
      return true;
    case MP_SELECT_COMM:
      return read_comm(pid, pid) == selection.comm.substr(0, kCommLength);
    case MP_SELECT_CGROUP:
      return is_below(read_cgroup(pid, selection.hierarchy), selection.cgroup_path);
    default:
      return false;
  }
}

}  // namespace

mp_selection Selection::for_kernel() const {
  mp_selection result = {};
  result.kind = kind;
  result.hierarchy = hierarchy;
  result.cgroup = cgroup;
  result.tracer = getpid();
  strncpy(result.comm, comm.c_str(), kCommLength);
  return result;
}

std::vector<uint32_t> find_selected(const Selection &selection, const std::function<bool(uint32_t)> &is_known) {
  const std::unique_ptr<DIR, int (*)(DIR *)> directory(opendir("/proc"), closedir);
  const int tracer = getpid();
  std::vector<uint32_t> pids;
  while (const dirent *entry = directory ? readdir(directory.get()) : nullptr) {
    const int pid = atoi(entry->d_name);
    const auto &strangers = selection.strangers;
    if (pid <= 0 || pid == tracer || std::find(strangers.begin(), strangers.end(), pid) != strangers.end()) continue;
    if (is_known(pid) || !is_selected(selection, pid)) continue;
    const ProcessStatus status = read_process_status(pid);
    if (status.has_memory && status.parent != tracer) pids.push_back(pid);
  }
  return pids;
}

}  // namespace mp
