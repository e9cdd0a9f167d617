// How the frames of a CPython are laid out, as the addon tells BPF.
#pragma once

#include "../../bpf/mp.h"

constexpr int kMinors[] = {8, 9, 10, 11, 12, 13};

// Of CPython 3.`minor`, one of the above, found in an ELF file that is made for the purpose. Without the addresses,
// which are a process's own.
mp_python python_layout_of(int minor);
