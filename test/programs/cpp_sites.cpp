/*
 * C++: operator new ends in malloc, so the innermost frame is libstdc++'s and the program's functions are looked for
 * anywhere on the stack ("via"). Sizes follow from the Itanium C++ ABI and libstdc++: a vector doubles its capacity,
 * new[] of a type with a destructor has a cookie of 8 bytes, over-aligned new goes through aligned_alloc. An int that
 * is thrown lies behind a header of 128 bytes.
 *
 * EXPECT via allocations malloc *fill<int>* 8 1020
 * EXPECT via allocations malloc *fill<double>* 8 2040
 * EXPECT via temporary_allocations malloc *fill<int>* 8 1020
 * EXPECT via leaks malloc leak_vector* 1 4000
 * EXPECT via leaks malloc *leak_string* 1 101
 * EXPECT via leaks malloc *leak_array()* 1 100
 * EXPECT via leaks malloc *leak_array_with_cookie* 1 56
 * EXPECT via leaks malloc *leak_nothrow* 1 123
 * EXPECT via leaks aligned_alloc|memalign|posix_memalign *leak_over_aligned* 1 64
 * EXPECT via leaks malloc *leak_by_throw* 1 500
 * EXPECT via leaks malloc *leak_in_catch* 5 1000
 * EXPECT via leaks malloc *Derived::leak_virtual* 3 90
 * EXPECT via leaks malloc *leak_in_lambda* 1 70
 * EXPECT via leaks malloc *GlobalObject::GlobalObject* 1 333
 * EXPECT via leaks malloc *leak_by_constructor_that_throws* 2 355
 * EXPECT via leaks malloc *HalfMade::HalfMade* 1 133
 * EXPECT via allocations malloc *HalfMade::HalfMade* 2 265
 * EXPECT leaks malloc leak_by_malloc* 1 45
 * EXPECT leaks malloc *pick<long>* 2 32
 * EXPECT roots main GlobalObject::GlobalObject*
 */
#include <algorithm>
#include <functional>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>
#include "gate.h"

struct GlobalObject {
  SITE GlobalObject() {
    wait_for_gate();
    escape(new char[333]);
  }
};
static GlobalObject global_object;

template <typename T>
SITE void fill(int count) {
  std::vector<T> values;
  for (int i = 0; i < count; i++) values.push_back(T(i));
  escape(values.data());
}

SITE void leak_vector() {
  alignas(std::vector<int>) static char storage[sizeof(std::vector<int>)];
  escape(new (storage) std::vector<int>(1000));
}

SITE void leak_string() {
  alignas(std::string) static char storage[sizeof(std::string)];
  escape(new (storage) std::string(100, 'x'));
}

SITE void leak_array() {
  escape(new int[25]);
}

struct Node {
  double values[2];
  SITE ~Node() { escape(this); }
};

SITE void leak_array_with_cookie() {
  escape(new Node[3]);
}

SITE void leak_nothrow() {
  escape(new (std::nothrow) char[123]);
}

struct alignas(64) Line {
  char bytes[64];
};

SITE void leak_over_aligned() {
  escape(new Line);
}

SITE void throws(int depth) {
  if (depth == 0) throw std::runtime_error("a message that is too long for the small string buffer");
  throws(depth - 1);
  escape(&depth);
}

SITE void leak_by_throw() {
  escape(new char[500]);
  throws(20);
}

SITE void leak_in_catch() {
  for (int i = 0; i < 5; i++) {
    try {
      throws(10);
    } catch (const std::exception &error) {
      escape(new char[200]);
    }
  }
}

struct HalfMade {
  SITE HalfMade() {
    escape(new char[133]);
    throw 7;
  }
};

SITE void leak_by_constructor_that_throws() {
  escape(new char[222]);
  try {
    escape(new HalfMade);
  } catch (int) {
  }
}

struct Base {
  virtual void leak_virtual(size_t size) = 0;
  virtual ~Base() = default;
};

struct Derived : Base {
  SITE void leak_virtual(size_t size) override { escape(new char[size]); }
};

SITE void leak_in_lambda() {
  std::function<void(int)> leak = [](int size) { escape(new char[size]); };
  leak(70);
}

SITE void leak_by_malloc() {
  escape(malloc(45));
}

template <typename T>
SITE bool pick(T one, T other) {
  static int left = 2;
  if (left > 0) {
    left--;
    escape(malloc(16));
  }
  return one < other;
}

int main() {
  fill<int>(100);
  fill<double>(100);
  leak_vector();
  leak_string();
  leak_array();
  leak_array_with_cookie();
  leak_nothrow();
  leak_over_aligned();
  try {
    leak_by_throw();
  } catch (const std::runtime_error &) {
  }
  leak_in_catch();
  leak_by_constructor_that_throws();
  Derived derived;
  Base *base = &derived;
  escape(base);
  for (int i = 0; i < 3; i++) base->leak_virtual(30);
  leak_in_lambda();
  leak_by_malloc();
  long numbers[8] = {5, 3, 8, 1, 7, 2, 6, 4};
  std::sort(numbers, numbers + 8, pick<long>);
  escape(numbers);
  say("ok\n");
  return 0;
}
