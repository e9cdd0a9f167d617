/*
 * A program that replaces C++'s operators by its own, with a fixed pool. With BASIC only those that all others end in:
 * libstdc++'s new[] and its forms without exceptions call the program's new.
 *
 * What fails is thrown and caught, and counts for nothing. gcc would inline the operators, as they stand in this file:
 * then there is nothing to be seen.
 *
 * EXPECT via allocations operator+new one_object* 3 3003
 * EXPECT via allocations operator+new|operator+new[] one_array* 1 2000
 * EXPECT via allocations operator+new|operator+new[] without_exception* 1 300
 * EXPECT via allocations operator+new aligned_object* 1 640
 * EXPECT via allocations operator+new|operator+new[] aligned_array* 1 1280
 * EXPECT via allocations operator+new container* 7 508
 * EXPECT via allocations operator+new churn* 10000 640000
 * EXPECT via leaks operator+new one_object* 1 1001
 * EXPECT via leaks operator+new|operator+new[] one_array* 0 0
 * EXPECT via leaks operator+new|operator+new[] without_exception* 0 0
 * EXPECT via leaks operator+new aligned_object* 0 0
 * EXPECT via leaks operator+new|operator+new[] aligned_array* 0 0
 * EXPECT via leaks operator+new container* 0 0
 * EXPECT via leaks operator+new churn* 0 0
 * EXPECT allocations malloc of_libc* 1 77
 * EXPECT loss unmatched_free 0
 * EXPECT loss new_unseen 0
 * EXPECT roots main
 */
#include <cstdint>
#include <new>
#include <vector>

#include "gate.h"

namespace {

constexpr size_t kPoolBytes = 4 << 20;
alignas(64) char pool[kPoolBytes];
size_t used;
volatile size_t too_much = SIZE_MAX / 4;

__attribute__((noipa)) void *take(size_t size, size_t alignment) {
  const size_t at = (used + alignment - 1) & ~(alignment - 1);
  if (size > kPoolBytes - at) return nullptr;
  used = at + size;
  return pool + at;
}

void *take_or_throw(size_t size, size_t alignment) {
  if (void *block = take(size, alignment)) return block;
  throw std::bad_alloc();
}

}  // namespace

SITE void *operator new(size_t size) { return take_or_throw(size, 16); }
SITE void *operator new(size_t size, std::align_val_t alignment) { return take_or_throw(size, size_t(alignment)); }
SITE void operator delete(void *) noexcept {}
SITE void operator delete(void *, size_t) noexcept {}
SITE void operator delete(void *, std::align_val_t) noexcept {}
#ifndef BASIC
SITE void *operator new[](size_t size) { return take_or_throw(size, 16); }
SITE void *operator new[](size_t size, std::align_val_t alignment) { return take_or_throw(size, size_t(alignment)); }
SITE void *operator new(size_t size, const std::nothrow_t &) noexcept { return take(size, 16); }
SITE void *operator new[](size_t size, const std::nothrow_t &) noexcept { return take(size, 16); }
SITE void *operator new(size_t size, std::align_val_t alignment, const std::nothrow_t &) noexcept {
  return take(size, size_t(alignment));
}
SITE void operator delete(void *, size_t, std::align_val_t) noexcept {}
SITE void operator delete(void *, const std::nothrow_t &) noexcept {}
SITE void operator delete[](void *) noexcept {}
SITE void operator delete[](void *, size_t) noexcept {}
SITE void operator delete[](void *, std::align_val_t) noexcept {}
SITE void operator delete[](void *, size_t, std::align_val_t) noexcept {}
#endif

struct Object {
  char bytes[1001];
};

struct alignas(64) Aligned {
  char bytes[640];
};

SITE Object *one_object() {
  auto *object = new Object;
  escape(object);
  return object;
}

SITE char *one_array() {
  char *array = new char[2000];
  escape(array);
  return array;
}

SITE char *without_exception() {
  char *array = new (std::nothrow) char[300];
  escape(array);
  return array;
}

SITE Aligned *aligned_object() {
  auto *object = new Aligned;
  escape(object);
  return object;
}

SITE Aligned *aligned_array() {
  auto *array = new Aligned[2];
  escape(array);
  return array;
}

/* 4, 8, 16 ... 256 bytes */
SITE void container() {
  std::vector<int> numbers;
  for (int i = 0; i < 64; i++) numbers.push_back(i);
  escape(numbers.data());
}

SITE void churn() {
  for (int i = 0; i < 10000; i++) {
    void *block = operator new(64);
    escape(block);
    operator delete(block);
  }
}

SITE void of_libc() {
  void *block = malloc(77);
  escape(block);
  free(block);
}

SITE void fail() {
  bool has_thrown = false;
  try {
    char *array = new char[too_much];
    escape(array);
  } catch (const std::bad_alloc &) {
    has_thrown = true;
  }
  if (!has_thrown) _exit(91);
  if (void *block = operator new(too_much, std::nothrow)) {
    escape(block);
    _exit(92);
  }
}

int main() {
  wait_for_gate();
  fail();
  delete one_object();
  operator delete(one_object(), std::nothrow);
  one_object();
  delete[] one_array();
  delete[] without_exception();
  delete aligned_object();
  delete[] aligned_array();
  container();
  churn();
  of_libc();
  say("ok\n");
  return 0;
}
