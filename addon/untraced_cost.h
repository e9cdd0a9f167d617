// What a recording costs processes that it does not trace, for `mp doctor`. Probes are bound to traced processes, so
// only the tracepoints are left: when a process begins, executes a program, or ends.
#pragma once

namespace mp {

// Nanoseconds of the CPU time of a process that begins, executes one program and ends. Starts a few of them under
// programs that select nobody. Throws Error: NO_PERMISSION, LOAD, …
double measure_untraced_cost();

}  // namespace mp
