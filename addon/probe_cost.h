// What one hit of a uprobe costs on this machine, for `mp doctor`.
#pragma once

namespace mp {

// Nanoseconds of the probed thread's CPU time, with a BPF program that does nothing.
struct ProbeCost {
  double emulated_ns;        // on an instruction that the kernel emulates
  double single_stepped_ns;  // on one that it executes out of line in a single step
};

// Probes two functions of this library in the own process and calls them. Takes a fifth of a second. Throws Error:
// NO_PERMISSION, UNSUPPORTED, ATTACH.
ProbeCost measure_probe_cost();

}  // namespace mp
