// Compiled once per way of compiling, as the function that STEPPED names.
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "shapes.h"

namespace {

#define NOINLINE __attribute__((noinline))

NOINLINE uint64_t many_registers(uint64_t a, uint64_t b, uint64_t c) {
  uint64_t d = a * 3, e = b * 5, f = c * 7, g = a ^ b;
  for (uint64_t i = 0; i < 2; i++) {
    char text[32];
    d += static_cast<uint64_t>(snprintf(text, sizeof(text), "%llu", static_cast<unsigned long long>(e)));
    e ^= strlen(text) + f;
    f += g * d;
  }
  return a + b + c + d + e + f + g;
}

NOINLINE uint64_t leaf(uint64_t value) {
  return value * 0x9e3779b97f4a7c15 >> 7;
}

NOINLINE uint64_t early_return(uint64_t value) {
  if (value & 1) return leaf(value) + 1;
  char buffer[300];
  memset(buffer, static_cast<int>(value), sizeof(buffer));
  return leaf(static_cast<uint64_t>(buffer[value % 300])) + strlen(strncpy(buffer, "abc", sizeof(buffer)));
}

NOINLINE uint64_t realigned(uint64_t value) {
  alignas(64) volatile uint64_t words[8] = {value};
  return leaf(words[0]) + leaf(words[1]);
}

NOINLINE uint64_t variable_size(uint64_t value) {
  auto *block = static_cast<volatile char *>(__builtin_alloca(value % 64 + 32));
  block[0] = static_cast<char>(value);
  return leaf(static_cast<uint64_t>(block[0])) + leaf(value);
}

NOINLINE uint64_t stack_arguments(int count, ...) {
  va_list arguments;
  va_start(arguments, count);
  uint64_t sum = 0;
  for (int i = 0; i < count; i++) sum += leaf(va_arg(arguments, uint64_t));
  va_end(arguments);
  return sum;
}

int by_value(const void *a, const void *b) {
  return *static_cast<const unsigned char *>(a) - *static_cast<const unsigned char *>(b);
}

}  // namespace

NOINLINE uint64_t STEPPED(uint64_t seed) {
  unsigned char text[] = "the quick brown fox";
  qsort(text, 8, 1, by_value);
  uint64_t sum = many_registers(seed, seed + 1, seed + 2) + early_return(seed | 1) + early_return(seed & ~uint64_t{1});
  sum += realigned(seed) + variable_size(seed);
  sum += stack_arguments(9, sum, seed, sum, seed, sum, seed, sum, seed, sum);
  return sum + text[0];
}
