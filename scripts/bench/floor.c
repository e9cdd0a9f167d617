/*
 * The floor of what tracing malloc and free by uprobes costs: empty programs at both, by uprobe_multi links for one
 * pid.
 *
 *   floor OBJECT LIBRARY PID     attaches, prints "ready", detaches at the end of input
 *
 * A probe on an instruction that the kernel must single-step costs ten times one that it emulates, so the first
 * emulated instruction is probed that every call passes: `push` at the entry of malloc, `je` behind the `test` of
 * free's argument in glibc 2.36. libbpf 1.1 has no call for uprobe_multi links, hence the bare system call
 * (linux/bpf.h, kernel 6.6).
 */
#define _GNU_SOURCE
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { ATTACH_UPROBE_MULTI = 48 };

/* The part of union bpf_attr that BPF_LINK_CREATE reads for this attach type. */
struct link_create {
  uint32_t program_fd, target_fd, attach_type, flags;
  uint64_t path, offsets, reference_counters, cookies;
  uint32_t count, multi_flags, pid, pad;
};

struct file {
  const uint8_t *bytes;
  size_t size;
};

static void fail(const char *what) {
  fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
  exit(1);
}

static struct file map_file(const char *path) {
  struct stat status;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || fstat(fd, &status) != 0) fail(path);
  void *bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (bytes == MAP_FAILED) fail(path);
  close(fd);
  return (struct file){bytes, (size_t)status.st_size};
}

static uint64_t file_offset(struct file file, uint64_t address) {
  const Elf64_Ehdr *header = (const void *)file.bytes;
  const Elf64_Phdr *segments = (const void *)(file.bytes + header->e_phoff);
  for (int i = 0; i < header->e_phnum; i++) {
    uint64_t distance = address - segments[i].p_vaddr;
    if (segments[i].p_type == PT_LOAD && distance < segments[i].p_filesz) return segments[i].p_offset + distance;
  }
  return 0;
}

static uint64_t find_function(struct file file, const char *name) {
  const Elf64_Ehdr *header = (const void *)file.bytes;
  const Elf64_Shdr *sections = (const void *)(file.bytes + header->e_shoff);
  for (int i = 0; i < header->e_shnum; i++) {
    if (sections[i].sh_type != SHT_DYNSYM) continue;
    const Elf64_Sym *symbols = (const void *)(file.bytes + sections[i].sh_offset);
    const char *names = (const char *)file.bytes + sections[sections[i].sh_link].sh_offset;
    for (size_t k = 0; k < sections[i].sh_size / sizeof *symbols; k++) {
      if (symbols[k].st_value != 0 && strcmp(names + symbols[k].st_name, name) == 0) {
        return file_offset(file, symbols[k].st_value);
      }
    }
  }
  errno = ENOENT;
  fail(name);
  return 0;
}

/* Length of an instruction that may precede the site: endbr64, test %reg,%reg. */
static size_t skipped_length(const uint8_t *code) {
  static const uint8_t endbr64[] = {0xf3, 0x0f, 0x1e, 0xfa};
  if (memcmp(code, endbr64, sizeof endbr64) == 0) return 4;
  if ((code[0] & 0xf8) == 0x48 && code[1] == 0x85 && code[2] >= 0xc0) return 3;
  return 0;
}

static int is_emulated(const uint8_t *code) {
  int is_push = (code[0] >= 0x50 && code[0] <= 0x57) || (code[0] == 0x41 && code[1] >= 0x50 && code[1] <= 0x57);
  int is_branch = (code[0] & 0xf0) == 0x70 || (code[0] == 0x0f && (code[1] & 0xf0) == 0x80);
  return is_push || is_branch || code[0] == 0x90;
}

static uint64_t find_site(struct file file, const char *name) {
  uint64_t offset = find_function(file, name);
  for (int i = 0; i < 4 && offset + 16 < file.size; i++) {
    if (is_emulated(file.bytes + offset)) return offset;
    size_t length = skipped_length(file.bytes + offset);
    if (length == 0) break;
    offset += length;
  }
  errno = ENOTSUP;
  fail("no instruction that the kernel emulates at the entry");
  return 0;
}

int main(int argc, char **argv) {
  if (argc != 4) {
    fprintf(stderr, "usage: floor OBJECT LIBRARY PID\n");
    return 2;
  }
  struct bpf_object *object = bpf_object__open_file(argv[1], NULL);
  if (object == NULL) fail(argv[1]);
  struct bpf_program *program = bpf_object__find_program_by_name(object, "do_nothing");
  if (program == NULL) fail("do_nothing");
  bpf_program__set_expected_attach_type(program, ATTACH_UPROBE_MULTI);
  if (bpf_object__load(object) != 0) fail("load");

  struct file library = map_file(argv[2]);
  uint64_t offsets[] = {find_site(library, "malloc"), find_site(library, "free")};
  struct link_create request = {
      .program_fd = (uint32_t)bpf_program__fd(program),
      .attach_type = ATTACH_UPROBE_MULTI,
      .path = (uint64_t)(uintptr_t)argv[2],
      .offsets = (uint64_t)(uintptr_t)offsets,
      .count = 2,
      .pid = (uint32_t)atoi(argv[3]),
  };
  if (syscall(SYS_bpf, BPF_LINK_CREATE, &request, sizeof request) < 0) fail("attach");
  puts("ready");
  fflush(stdout);
  char byte;
  while (read(0, &byte, 1) > 0) continue;
  return 0;
}
