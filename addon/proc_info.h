// Facts about a process from /proc. A process that is gone gives empty strings and zeros.
#pragma once

#include <cstdint>
#include <string>

namespace mp {

std::string read_comm(int pid, int tid);
std::string read_executable(int pid);
std::string read_command_line(int pid);  // arguments separated by spaces
std::string read_cgroup(int pid);        // path in the unified hierarchy
uint64_t read_rss_bytes(int pid);        // resident set; 0: unknown
int read_tgid(int tid);                  // the process of a thread; 0: no such thread
bool can_signal_anyone();                // CAP_KILL is in effect for this thread
// No thread of it runs any more; it may still wait to be reaped.
bool has_ended(int pid);

}  // namespace mp
