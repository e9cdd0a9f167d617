/*
 * Names everything that a program can name so that it would do harm if it were interpreted, and maps files that are no
 * ELF files, although they look like some, as code:
 *
 *     hostile FOLDER        where to put them
 *
 * Never freed: 77 bytes by `<script>alert(1)</script>`, 78 bytes by `</script><img src=x onerror=alert(2)>`, 79 bytes
 * by a function whose name holds escape sequences, a newline and a right-to-left override; by a thread named alike.
 */
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include "gate.h"

#define ESCAPES "\033]0;owned\007\033[2J\033[31m"
#define OVERRIDE "\xe2\x80\xae"

/* Functions that leak: the compiler would not take these names, the assembler does. */
#define LEAK(symbol, name, bytes)                                                                             \
  __asm__(".text\n.type \"" name "\", @function\n\"" name                                                     \
          "\":\n"                                                                                             \
          ".L" #symbol                                                                                        \
          ":\n.cfi_startproc\npush %rbp\n"                                                                    \
          ".cfi_def_cfa_offset 16\n.cfi_offset 6, -16\nmov %rsp, %rbp\n.cfi_def_cfa_register 6\nmov $" #bytes \
          ", %edi\ncall malloc@PLT\npop %rbp\n.cfi_def_cfa 7, 8\nret\n.cfi_endproc\n.size \"" name            \
          "\", . - "                                                                                          \
          "\"" name "\"\n");                                                                                  \
  void symbol(void) __asm__(".L" #symbol) __attribute__((visibility("hidden")))

LEAK(leak_script, "<script>alert(1)</script>", 77);
LEAK(leak_image, "</script><img src=x onerror=alert(2)>", 78);
LEAK(leak_escapes, "evil" ESCAPES OVERRIDE "name", 79);

static _Alignas(16) char image[1 << 16];
static size_t image_length;

static void read_own_image(void) {
  const int fd = open("/proc/self/exe", O_RDONLY);
  ssize_t got;
  while ((got = read(fd, image + image_length, sizeof(image) - image_length)) > 0) image_length += got;
  close(fd);
}

/* Maps `length` bytes of a new file as code; `extent`: the size that it pretends to have. */
static void map_file(const char *folder, int number, const char *bytes, size_t length, off_t extent) {
  char path[4096];
  snprintf(path, sizeof(path), "%s/broken\n" ESCAPES "<b>%d.so", folder, number);
  const int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
  if (fd < 0 || write(fd, bytes, length) != (ssize_t)length || ftruncate(fd, extent)) _exit(93);
  if (mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) == MAP_FAILED) _exit(94);
  close(fd);
}

/* Headers of this program with some bytes changed, the same ones every time. */
static void map_broken_files(const char *folder) {
  enum { FILES = 60, CHANGES = 6 };
  static char bytes[sizeof(image)];
  unsigned long random = 42;
  for (int number = 0; number < FILES; number++) {
    for (size_t i = 0; i < image_length; i++) bytes[i] = image[i];
    for (int change = 0; change < CHANGES; change++) {
      random = random * 6364136223846793005UL + 1442695040888963407UL;
      const size_t headers = 64 + 13 * 56; /* of the file and its segments, behind what says that it is an ELF file */
      const size_t sections = image_length - 2048;
      const size_t at = change % 2 ? 18 + (random >> 33) % (headers - 18) : sections + (random >> 33) % 2048;
      bytes[at] = random >> 25;
    }
    const int is_whole = number % 3 != 0;
    map_file(folder, number, bytes, is_whole ? image_length : 64u + number, is_whole ? image_length : 4096);
  }
}

/* A file of four tebibytes, most of them holes, in which each section but the names' claims a half of it. */
static void map_huge_file(const char *folder) {
  const Elf64_Ehdr *header = (const Elf64_Ehdr *)image;
  Elf64_Shdr *sections = (Elf64_Shdr *)(image + header->e_shoff);
  for (int i = 1; i < header->e_shnum; i++)
    if (i != header->e_shstrndx) sections[i].sh_size = 1UL << 41;
  map_file(folder, 1000, image, image_length, 1L << 42);
}

static void *work(void *argument) {
  prctl(PR_SET_NAME, "t\033[31m\n</td>\xff");
  leak_script();
  leak_image();
  leak_escapes();
  return argument;
}

int main(int argc, char **argv) {
  pthread_t thread;
  wait_for_gate();
  prctl(PR_SET_NAME, "\033[2Jevil\n<b>");
  read_own_image();
  map_broken_files(argc > 1 ? argv[1] : ".");
  map_huge_file(argc > 1 ? argv[1] : ".");
  dlclose(dlopen("libm.so.6", RTLD_NOW | RTLD_LOCAL)); /* the tracer looks at the mappings */
  pthread_create(&thread, NULL, work, NULL);
  pthread_join(thread, NULL);
  say("ok\n");
  return 0;
}
