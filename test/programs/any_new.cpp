/*
 * C++'s operators in every form, with each C++ runtime and allocator library. Where an operator new ends in malloc, as
 * in libstdc++, the allocations are malloc's; where an allocator has its own, they are the operator's. Several forms
 * can share an address (operator new and new[] of tcmalloc and mimalloc), hence the alternatives.
 *
 * What fails is thrown and caught, and counts for nothing; with "limit" it fails for a limit of address space, close
 * to which calls of operator new are not seen if they could fail. mimalloc, which is built as C, can't throw and ends
 * the program: with "infallible" nothing fails.
 *
 * EXPECT via allocations malloc|operator+new one_object* 3 3003
 * EXPECT via allocations malloc|operator+new|operator+new[] one_array* 1 2000
 * EXPECT via allocations malloc|operator+new|operator+new[] without_exception* 1 300
 * EXPECT via allocations aligned_alloc|memalign|posix_memalign|operator+new aligned_object* 1 640
 * EXPECT via allocations malloc|operator+new|operator+new[] churn* 40000 102080000
 * EXPECT via leaks malloc|operator+new one_object* 1 1001
 * EXPECT via leaks malloc|operator+new|operator+new[] one_array* 0 0
 * EXPECT via leaks malloc|operator+new|operator+new[] without_exception* 0 0
 * EXPECT via leaks aligned_alloc|memalign|posix_memalign|operator+new aligned_object* 0 0
 * EXPECT via leaks malloc|operator+new|operator+new[] churn* 0 0
 * EXPECT loss unmatched_free 0
 * EXPECT roots main churn*
 */
#include <cstdint>
#include <new>
#include <pthread.h>
#include <sys/resource.h>

#include "gate.h"

constexpr int kRounds = 10000;
volatile size_t too_much = SIZE_MAX / 4;
volatile size_t much = size_t{1} << 30;

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

SITE void *churn(void *) {
  for (int i = 0; i < kRounds; i++) {
    auto *object = new Object;
    escape(object);
    char *array = new char[i % 200 ? 4000 : 24600];
    escape(array);
    operator delete(object, sizeof(Object));
    delete[] array;
  }
  return nullptr;
}

/* True if it threw. */
SITE bool throws(size_t size) {
  try {
    char *array = new char[size];
    escape(array);
    delete[] array;
    return false;
  } catch (const std::bad_alloc &) {
    return true;
  }
}

SITE void fail() {
  if (!throws(too_much)) _exit(91);
  char *array = new (std::nothrow) char[too_much];
  if (array) _exit(92);
}

SITE void fail_for_a_limit() {
  rlimit limit = {size_t{900} << 20, size_t{900} << 20};
  if (setrlimit(RLIMIT_AS, &limit)) _exit(93);
  if (!throws(much)) _exit(94);
  fail();
}

int main(int argc, char **argv) {
  wait_for_gate();
  const bool is_limited = argc > 1 && !strcmp(argv[1], "limit"), is_infallible = argc > 1 && !is_limited;
  if (!is_infallible) fail();
  pthread_t threads[2];
  for (pthread_t &thread : threads) pthread_create(&thread, nullptr, churn, nullptr);
  for (pthread_t &thread : threads) pthread_join(thread, nullptr);
  delete one_object();
  operator delete(one_object(), std::nothrow);
  one_object();
  delete[] one_array();
  delete[] without_exception();
  delete aligned_object();
  if (is_limited) fail_for_a_limit();
  say("ok\n");
  return 0;
}
