// Tests without a framework. A file of tests is one program:
//
//   #include "check.h"
//
//   TEST(adds_numbers) { CHECK_EQ(1 + 1, 2); }
//
// A failed check prints both values and the test goes on; the program ends with status 1. A test that needs what the
// machine does not have says so with SKIP("why") and ends. Arguments of the program select tests by substring.
#pragma once

#include <cstdio>
#include <cstring>
#include <iostream>
#include <optional>
#include <sstream>
#include <string>
#include <type_traits>
#include <vector>

namespace check {

struct Test {
  const char *name;
  void (*body)();
};

inline std::vector<Test> tests;
inline int failures = 0;  // checks, not tests
inline int skipped = 0;

struct Registration {
  Registration(const char *name, void (*body)()) { tests.push_back({name, body}); }
};

template <class T>
std::string show(const T &value) {
  std::ostringstream out;
  if constexpr (std::is_enum_v<T>) {
    out << static_cast<long long>(value);
  } else if constexpr (std::is_same_v<T, uint8_t> || std::is_same_v<T, char>) {
    out << static_cast<int>(value);
  } else if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
    out << value << " (0x" << std::hex << value << ")";
  } else {
    out << value;
  }
  return out.str();
}

template <class T>
std::string show(const std::optional<T> &value) {
  return value ? show(*value) : "nothing";
}

inline std::string show(std::nullopt_t) {
  return "nothing";
}

inline void fail(const char *file, int line, const std::string &what) {
  failures++;
  fprintf(stderr, "%s:%d: %s\n", file, line, what.c_str());
}

template <class A, class B>
void equal(const char *file, int line, const char *text, const A &actual, const B &expected) {
  bool same;
  // 1u == 1 is what a test means, whatever the types of the literals.
  if constexpr (std::is_integral_v<A> && std::is_integral_v<B>) {
    same = actual == static_cast<A>(expected) && (actual < A{}) == (expected < B{});
  } else {
    same = actual == expected;
  }
  if (!same) fail(file, line, std::string(text) + " is " + show(actual) + ", not " + show(expected));
}

// The last line is read by run-tests.sh.
inline int run(int argc, char **argv) {
  int passed = 0, failed = 0;
  for (const Test &test : tests) {
    bool selected = argc < 2;
    for (int i = 1; i < argc; i++) selected |= strstr(test.name, argv[i]) != nullptr;
    if (!selected) continue;
    int failures_before = failures, skipped_before = skipped;
    test.body();
    if (failures > failures_before) {
      fprintf(stderr, "FAILED %s\n", test.name);
      failed++;
    } else if (skipped == skipped_before) {
      passed++;
    }
  }
  const char *slash = strrchr(argv[0], '/');
  printf("%s: %d passed, %d failed, %d skipped\n", slash ? slash + 1 : argv[0], passed, failed, skipped);
  return failed == 0 ? 0 : 1;
}

}  // namespace check

#define TEST(name)                                                    \
  static void test_##name();                                          \
  static check::Registration registration_##name(#name, test_##name); \
  static void test_##name()

#define CHECK(condition) \
  if (!(condition)) check::fail(__FILE__, __LINE__, "not true: " #condition)

#define CHECK_EQ(actual, expected) check::equal(__FILE__, __LINE__, #actual, actual, expected)

// Ends the test: what follows makes no sense without `condition`.
#define REQUIRE(condition)                                    \
  if (!(condition)) {                                         \
    check::fail(__FILE__, __LINE__, "required: " #condition); \
    return;                                                   \
  }

#define SKIP(reason)                              \
  do {                                            \
    printf("skipped %s: %s\n", __func__, reason); \
    check::skipped++;                             \
    return;                                       \
  } while (0)

int main(int argc, char **argv) {
  return check::run(argc, argv);
}
