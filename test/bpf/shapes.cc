#include "shapes.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include <algorithm>
#include <functional>
#include <numeric>
#include <stdexcept>
#include <vector>

#define NOINLINE __attribute__((noinline))
// Keeps a call from becoming a jump.
#define NOT_LAST() asm volatile("" ::: "memory")

extern "C" void capture_registers(Registers *registers);

asm(R"(
  .text
  .type capture_registers, @function
capture_registers:
  .cfi_startproc
  mov (%rsp), %rax
  mov %rax, (%rdi)
  lea 8(%rsp), %rax
  mov %rax, 8(%rdi)
  mov %rbp, 16(%rdi)
  ret
  .cfi_endproc
  .size capture_registers, . - capture_registers
)");

namespace {

Observer observer;
// Of which nobody can know that they are constant.
volatile int opaque_zero = 0;

NOINLINE void observe_here() {
  Registers registers;
  capture_registers(&registers);
  observer(registers);
  NOT_LAST();
}

NOINLINE int sum_and_observe(int n) {
  if (n == opaque_zero) {
    observe_here();
    return 0;
  }
  int below = sum_and_observe(n - 1);
  NOT_LAST();
  return below + n;
}

int compare_and_observe(const void *a, const void *b) {
  int left = *static_cast<const int *>(a), right = *static_cast<const int *>(b);
  if (left + right == 3) observe_here();  // 1 and 2 are neighbours: every sort compares them
  return (left > right) - (left < right);
}

void through_qsort() {
  int numbers[] = {5, 2, 9, 1, 7, 3, 8};
  qsort(numbers, 7, sizeof(int), compare_and_observe);
  NOT_LAST();
}

void on_signal(int) {
  observe_here();
}

NOINLINE void raise_below(int depth) {
  if (depth == opaque_zero) {
    raise(SIGUSR1);
  } else {
    raise_below(depth - 1);
  }
  NOT_LAST();
}

void in_signal_handler(int flags) {
  struct sigaction action = {}, before;
  action.sa_handler = on_signal;
  action.sa_flags = flags;
  sigaction(SIGUSR1, &action, &before);
  raise_below(5);
  sigaction(SIGUSR1, &before, nullptr);
}

void through_signal_handler() {
  in_signal_handler(0);
}

void through_alternate_stack() {
  std::vector<char> memory(1 << 18);
  stack_t stack = {memory.data(), 0, memory.size()}, before;
  sigaltstack(&stack, &before);
  in_signal_handler(SA_ONSTACK);
  before.ss_flags |= before.ss_sp ? 0 : SS_DISABLE;
  sigaltstack(&before, nullptr);
}

template <int N>
struct Nest {
  template <typename Call>
  static NOINLINE int run(Call call) {
    int below = Nest<N - 1>::run([&] { return call() + N; });
    NOT_LAST();
    return below;
  }
};
template <>
struct Nest<0> {
  template <typename Call>
  static int run(Call call) {
    return call();
  }
};

void through_templates() {
  std::vector<int> numbers(16);
  std::iota(numbers.begin(), numbers.end(), 0);
  std::function<int(int)> look = [](int n) {
    if (n == 7) Nest<6>::run([] { return observe_here(), 1; });
    return n;
  };
  std::for_each(numbers.begin(), numbers.end(), [&](int n) { opaque_zero = look(n) * 0; });
}

struct ObservesAtEnd {
  NOINLINE ~ObservesAtEnd() { observe_here(); }
};

NOINLINE void throw_below(int depth) {
  ObservesAtEnd observes;
  if (depth == opaque_zero) throw std::runtime_error("seen by a destructor");
  throw_below(depth - 1);
}

void through_exception() {
  try {
    throw_below(0);
  } catch (const std::runtime_error &) {
  }
}

void *thread_main(void *) {
  opaque_zero = sum_and_observe(20) * 0;
  return nullptr;
}

void in_thread() {
  pthread_t thread;
  if (pthread_create(&thread, nullptr, thread_main, nullptr) == 0) pthread_join(thread, nullptr);
}

NOINLINE void with_large_frames(int depth) {
  volatile char pages[9000];
  pages[8999] = static_cast<char>(depth);
  if (depth == opaque_zero)
    observe_here();
  else
    with_large_frames(depth - 1);
  pages[0] = pages[8999];
}

NOINLINE void with_variable_frames(int depth) {
  alignas(64) volatile char aligned[64];
  auto *block = static_cast<volatile char *>(__builtin_alloca(static_cast<size_t>(depth) * 100 + 16));
  block[0] = aligned[0] = 1;
  if (depth == opaque_zero)
    observe_here();
  else
    with_variable_frames(depth - 1);
  block[1] = aligned[0];
}

void through_large_frames() {
  with_large_frames(6);
  NOT_LAST();
}

void through_variable_frames() {
  with_variable_frames(6);
  NOT_LAST();
}

template <void (*Body)()>
void observed(Observer observe) {
  observer = observe;
  Body();
}

template <int Depth>
void recursive(Observer observe) {
  recurse(observe, Depth);
}

}  // namespace

void recurse(Observer observe, int depth) {
  observer = observe;
  opaque_zero = sum_and_observe(depth) * 0;
}

const Shape kShapes[] = {
    {"one call", recursive<0>, 4},
    {"recursion of 200", recursive<200>, 203},
    {"recursion of 3000", recursive<3000>, 3003},
    {"qsort callback", observed<through_qsort>, 6},
    {"signal handler", observed<through_signal_handler>, 12},
    {"signal handler on its own stack", observed<through_alternate_stack>, 12},
    {"templates and inlined calls", observed<through_templates>, 10},
    {"destructor during an exception", observed<through_exception>, 7},
    {"thread", observed<in_thread>, 23},
    {"frames larger than a window", observed<through_large_frames>, 9},
    {"realigned frames of variable size", observed<through_variable_frames>, 9},
    {nullptr, nullptr, 0},
};
