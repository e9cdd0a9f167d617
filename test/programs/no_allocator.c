/* A static program without any library, hence without an allocator. Exits with 7 after 50 ms. */
static long call(long number, long first, long second, long third) {
  long result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(first), "S"(second), "d"(third)
                   : "rcx", "r11", "memory");
  return result;
}

void _start(void) {
  static const struct { long seconds, nanoseconds; } pause = {0, 50000000};
  call(35, (long)&pause, 0, 0);
  call(1, 1, (long)"ok\n", 3);
  call(60, 7, 0, 0);
  __builtin_unreachable();
}
