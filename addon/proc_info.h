// Facts about a process from /proc. A process that is gone gives empty strings and zeros.
#pragma once

#include <cstdint>
#include <string>

namespace mp {

std::string read_comm(int pid, int tid);
std::string read_executable(int pid);
std::string read_command_line(int pid);  // arguments separated by spaces
// Path in a hierarchy, numbered as in /proc/PID/cgroup; 0: that of version 2.
std::string read_cgroup(int pid, uint32_t hierarchy);
// Where it is accounted: its path in version 2, or, if all are in one there, in a hierarchy of version 1.
std::string read_cgroup(int pid);
uint64_t read_rss_bytes(int pid);  // resident set; 0: unknown
int read_tgid(int tid);            // the process of a thread; 0: no such thread
bool can_signal_anyone();          // CAP_KILL is in effect for this thread

struct ProcessStatus {
  int parent = 0;
  bool has_memory = false;  // neither a thread of the kernel nor ended
};
ProcessStatus read_process_status(int pid);

// No thread of it runs any more; it may still wait to be reaped.
bool has_ended(int pid);

}  // namespace mp
