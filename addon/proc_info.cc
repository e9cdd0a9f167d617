#include "proc_info.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <unistd.h>

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "unique_fd.h"

namespace mp {
namespace {

std::string read_file(const std::string &path, size_t max_bytes) {
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text;
  char buffer[4096];
  while (fd && text.size() < max_bytes) {
    const ssize_t got = read(fd.get(), buffer, sizeof(buffer));
    if (got <= 0) break;
    text.append(buffer, got);
  }
  return text;
}

std::string proc_path(int pid, const char *name) {
  return "/proc/" + std::to_string(pid) + "/" + name;
}

// The value behind "key" at the beginning of a line.
std::string field(const std::string &text, const std::string &key) {
  const size_t begin = text.rfind(key, 0) == 0 ? 0 : text.find("\n" + key);
  if (begin == std::string::npos) return "";
  const size_t value = text.find_first_not_of("\n", begin) + key.size();
  return text.substr(value, text.find('\n', value) - value);
}

// What follows the first `marker` in its line.
std::string behind(const std::string &text, const std::string &marker) {
  const size_t found = text.find(marker);
  if (found == std::string::npos) return "";
  const size_t begin = found + marker.size();
  return text.substr(begin, text.find('\n', begin) - begin);
}

std::string read_status(int pid) {
  return read_file(proc_path(pid, "status"), 1 << 14);
}

}  // namespace

std::string read_comm(int pid, int tid) {
  std::string comm = read_file(proc_path(pid, "task/") + std::to_string(tid) + "/comm", 64);
  if (!comm.empty() && comm.back() == '\n') comm.pop_back();
  return comm;
}

std::string read_executable(int pid) {
  char path[4096];
  const ssize_t length = readlink(proc_path(pid, "exe").c_str(), path, sizeof(path));
  return length > 0 ? std::string(path, length) : "";
}

std::string read_command_line(int pid) {
  std::string line = read_file(proc_path(pid, "cmdline"), 1 << 17);
  while (!line.empty() && line.back() == '\0') line.pop_back();
  for (char &c : line)
    if (c == '\0') c = ' ';
  return line;
}

std::string read_cgroup(int pid, uint32_t hierarchy) {
  const std::string line = field(read_file(proc_path(pid, "cgroup"), 1 << 14), std::to_string(hierarchy) + ":");
  const size_t path = line.find(':');  // behind the controllers
  return path == std::string::npos ? "" : line.substr(path + 1);
}

std::string read_cgroup(int pid) {
  const std::string text = read_file(proc_path(pid, "cgroup"), 1 << 14);
  for (const char *hierarchy : {"0::", ":memory:", ":name=systemd:"})
    if (const std::string path = behind(text, hierarchy); path.size() > 1) return path;
  return behind(text, "0::");
}

ProcessStatus read_process_status(int pid) {
  const std::string text = read_status(pid);
  return {atoi(field(text, "PPid:").c_str()), !field(text, "VmSize:").empty()};
}

uint64_t read_rss_bytes(int pid) {
  uint64_t size, resident;
  const std::string text = read_file(proc_path(pid, "statm"), 256);
  if (sscanf(text.c_str(), "%" SCNu64 " %" SCNu64, &size, &resident) != 2) return 0;
  return resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

bool can_signal_anyone() {
  const std::string effective = field(read_file("/proc/thread-self/status", 1 << 14), "CapEff:");
  return strtoull(effective.c_str(), nullptr, 16) >> CAP_KILL & 1;
}

bool has_ended(int pid) {
  const std::string status = read_status(pid);
  if (status.empty()) return true;
  // The first thread of a process can end before the others, and is a zombie then.
  return field(status, "State:").find('Z') != std::string::npos && atoi(field(status, "Threads:").c_str()) <= 1;
}

int read_tgid(int tid) {
  return atoi(field(read_status(tid), "Tgid:").c_str());
}

}  // namespace mp
