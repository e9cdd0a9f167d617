// Real stacks of many shapes, in code that is compiled as targets are: optimized, without frame pointers, without
// sanitizers.
#pragma once

#include <cstdint>

struct Registers {
  uint64_t pc, sp, bp;
};

// Called in the innermost frame of each shape with the registers of its caller, as a return probe would find them.
using Observer = void (*)(const Registers &registers);

struct Shape {
  const char *name;
  void (*run)(Observer observe);
  uint32_t min_frames;
};

// Ends with a null name.
extern const Shape kShapes[];

void recurse(Observer observe, int depth);

// Code to be executed instruction by instruction, compiled in several ways: prologues, epilogues, PLT calls, realigned
// and variable-sized frames, library code.
uint64_t stepped_o0(uint64_t seed);
uint64_t stepped_o2(uint64_t seed);
uint64_t stepped_frame_pointer(uint64_t seed);
uint64_t stepped_clang(uint64_t seed);
