/*
 * Mappings and what can happen to a part of them. A hole splits a mapping in two live blocks; a shorter last piece
 * goes with its page; MAP_FIXED and mremap take what lay below. Live at the end, in pages of 4096 bytes:
 *
 *   hole          8, the third and fourth unmapped                  2 pieces, 6 pages
 *   cut_tail      5, the last two unmapped                          3 pages
 *   cut_head      5, the first unmapped                             4 pages
 *   piecewise     4, unmapped one by one                            nothing
 *   reserve       8, replaced by left (4) and right (4), which lose two pages each to one munmap across both
 *   under         6, two in the middle replaced by over             2 pieces, 4 pages; over 2 pages
 *   odd_first     5000 bytes, first page unmapped                   904 bytes
 *   odd_rest      5000 bytes, the 904 behind the page unmapped      4096 bytes
 *   odd_all       5000 bytes, unmapped                              nothing
 *   grow          2 pages, mremap to 6                              mremap's 6
 *   shrink        6 pages, mremap to 2                              mremap's 2
 *   move_middle   6 pages, two in the middle mremapped to 4         2 pieces, 4 pages; mremap's 4
 *   victim        4 pages, replaced by the mremap of source (4)     mremap's 4
 *   obstacle      2 pages, growth of the first in place fails       2 pages
 *   misaligned    1 page, munmap of an odd address fails            1 page
 *   map_file      1 page of a file                                  1 page
 *
 * big_malloc's block is mapped by malloc itself: malloc's, not mmap's. With top's 4 MiB the peak is reached.
 *
 * EXPECT leaks mmap hole 2 24576
 * EXPECT leaks mmap cut_tail 1 12288
 * EXPECT leaks mmap cut_head 1 16384
 * EXPECT leaks mmap left 1 8192
 * EXPECT leaks mmap right 1 8192
 * EXPECT leaks mmap under 2 16384
 * EXPECT leaks mmap over 1 8192
 * EXPECT leaks mmap odd_first 1 904
 * EXPECT leaks mmap odd_rest 1 4096
 * EXPECT leaks mremap grow 1 24576
 * EXPECT leaks mremap shrink 1 8192
 * EXPECT leaks mmap move_middle 2 16384
 * EXPECT leaks mremap move_middle 1 16384
 * EXPECT leaks mremap onto_victim 1 16384
 * EXPECT leaks mmap obstacle 1 8192
 * EXPECT leaks mmap misaligned 1 4096
 * EXPECT leaks mmap map_file 1 4096
 * EXPECT total leaks 20 197512
 * EXPECT high_watermark mmap hole 2 24576
 * EXPECT high_watermark mmap cut_tail 1 12288
 * EXPECT high_watermark mmap cut_head 1 16384
 * EXPECT high_watermark mmap left 1 8192
 * EXPECT high_watermark mmap right 1 8192
 * EXPECT high_watermark mmap under 2 16384
 * EXPECT high_watermark mmap over 1 8192
 * EXPECT high_watermark mmap odd_first 1 904
 * EXPECT high_watermark mmap odd_rest 1 4096
 * EXPECT high_watermark mremap grow 1 24576
 * EXPECT high_watermark mremap shrink 1 8192
 * EXPECT high_watermark mmap move_middle 2 16384
 * EXPECT high_watermark mremap move_middle 1 16384
 * EXPECT high_watermark mremap onto_victim 1 16384
 * EXPECT high_watermark mmap obstacle 1 8192
 * EXPECT high_watermark mmap misaligned 1 4096
 * EXPECT high_watermark mmap map_file 1 4096
 * EXPECT high_watermark mmap top 1 4194304
 * EXPECT total high_watermark 21 4391816
 * EXPECT allocations mmap hole 1 32768
 * EXPECT allocations mmap cut_tail 1 20480
 * EXPECT allocations mmap cut_head 1 20480
 * EXPECT allocations mmap piecewise 1 16384
 * EXPECT allocations mmap reserve 1 32768
 * EXPECT allocations mmap left 1 16384
 * EXPECT allocations mmap right 1 16384
 * EXPECT allocations mmap under 1 24576
 * EXPECT allocations mmap over 1 8192
 * EXPECT allocations mmap odd_first 1 5000
 * EXPECT allocations mmap odd_rest 1 5000
 * EXPECT allocations mmap odd_all 1 5000
 * EXPECT allocations mmap grow 1 8192
 * EXPECT allocations mremap grow 1 24576
 * EXPECT allocations mmap shrink 1 24576
 * EXPECT allocations mremap shrink 1 8192
 * EXPECT allocations mmap move_middle 1 24576
 * EXPECT allocations mremap move_middle 1 16384
 * EXPECT allocations mmap victim 1 16384
 * EXPECT allocations mmap source 1 16384
 * EXPECT allocations mremap onto_victim 1 16384
 * EXPECT allocations mmap obstacle 1 8192
 * EXPECT allocations mmap misaligned 1 4096
 * EXPECT allocations mmap map_file 1 4096
 * EXPECT allocations malloc big_malloc 1 1048576
 * EXPECT allocations mmap top 1 4194304
 * EXPECT total allocations 26 5618328
 * EXPECT temporary_allocations malloc big_malloc 1 1048576
 * EXPECT roots main
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/mman.h>
#include "gate.h"

enum { PAGE = 4096 };

#define MUST(condition) \
  do {                  \
    if (!(condition)) { \
      _exit(90);        \
    }                   \
  } while (0)

/* Macros, not functions: an inlined function would be the innermost frame in place of the site. */
#define MAP_AT(address, size, flags) \
  mmap(address, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | (flags), -1, 0)
#define MAP(size) MAP_AT(NULL, size, 0)

SITE void hole(void) {
  char *block = MAP(8 * PAGE);
  MUST(munmap(block + 2 * PAGE, 2 * PAGE) == 0);
}

SITE void cut_tail(void) {
  char *block = MAP(5 * PAGE);
  MUST(munmap(block + 3 * PAGE, 2 * PAGE) == 0);
}

SITE void cut_head(void) {
  char *block = MAP(5 * PAGE);
  MUST(munmap(block, PAGE) == 0);
}

SITE void piecewise(void) {
  char *block = MAP(4 * PAGE);
  static const int order[] = {2, 0, 3, 1};
  for (int i = 0; i < 4; i++) MUST(munmap(block + order[i] * PAGE, PAGE) == 0);
}

SITE char *reserve(void) {
  char *block = MAP(8 * PAGE);
  escape(block);
  return block;
}

SITE void left(char *address) {
  char *block = MAP_AT(address, 4 * PAGE, MAP_FIXED);
  MUST(block == address);
}

SITE void right(char *address) {
  char *block = MAP_AT(address, 4 * PAGE, MAP_FIXED);
  MUST(block == address);
}

SITE char *under(void) {
  char *block = MAP(6 * PAGE);
  escape(block);
  return block;
}

SITE void over(char *address) {
  char *block = MAP_AT(address, 2 * PAGE, MAP_FIXED);
  MUST(block == address);
}

SITE void odd_first(void) {
  char *block = MAP(5000);
  MUST(munmap(block, PAGE) == 0);
}

SITE void odd_rest(void) {
  char *block = MAP(5000);
  MUST(munmap(block + PAGE, 1) == 0);
}

SITE void odd_all(void) {
  char *block = MAP(5000);
  MUST(munmap(block, 5000) == 0);
}

SITE void grow(void) {
  char *block = MAP(2 * PAGE);
  MUST(mremap(block, 2 * PAGE, 6 * PAGE, MREMAP_MAYMOVE) != MAP_FAILED);
}

SITE void shrink(void) {
  char *block = MAP(6 * PAGE);
  MUST(mremap(block, 6 * PAGE, 2 * PAGE, 0) == block);
}

SITE void move_middle(void) {
  char *block = MAP(6 * PAGE);
  MUST(mremap(block + 2 * PAGE, 2 * PAGE, 4 * PAGE, MREMAP_MAYMOVE) != MAP_FAILED);
}

SITE char *victim(void) {
  char *block = MAP(4 * PAGE);
  escape(block);
  return block;
}

SITE char *source(void) {
  char *block = MAP(4 * PAGE);
  escape(block);
  return block;
}

SITE void onto_victim(char *to, char *from) {
  MUST(mremap(from, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
}

SITE void obstacle(void) {
  char *block = MAP(2 * PAGE);
  MUST(mremap(block, PAGE, 2 * PAGE, 0) == MAP_FAILED);
}

SITE void misaligned(void) {
  char *block = MAP(PAGE);
  MUST(munmap(block + 1, PAGE) != 0);
}

SITE void map_file(void) {
  int file = open("/proc/self/exe", O_RDONLY);
  MUST(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, file, 0) != MAP_FAILED);
  close(file);
}

SITE void fail_to_map(void) {
  MUST(MAP(0) == MAP_FAILED);
  MUST(MAP(1ul << 60) == MAP_FAILED);
}

SITE void big_malloc(void) {
  void *block = malloc(1048576);
  escape(block);
  free(block);
}

SITE char *top(void) {
  char *block = MAP(4194304);
  escape(block);
  return block;
}

int main(void) {
  wait_for_gate();
  hole();
  cut_tail();
  cut_head();
  piecewise();
  big_malloc();
  char *reserved = reserve();
  left(reserved);
  right(reserved + 4 * PAGE);
  MUST(munmap(reserved + 2 * PAGE, 4 * PAGE) == 0);
  over(under() + 2 * PAGE);
  odd_first();
  odd_rest();
  odd_all();
  grow();
  shrink();
  move_middle();
  char *to = victim();
  onto_victim(to, source());
  obstacle();
  misaligned();
  map_file();
  fail_to_map();
  MUST(munmap(top(), 4194304) == 0);
  say("ok\n");
  return 0;
}
