/*
 * Prints everything that a program inherits, so that two runs can be compared: arguments and environment byte for byte,
 * directory, open descriptors and whether they block, limits, priority, mask of new files, ignored and blocked signals,
 * process group (as "leader" or not).
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include "gate.h"

extern char **environ;

static int compare(const void *left, const void *right) {
  return strcmp(*(char *const *)left, *(char *const *)right);
}

static void print_bytes(const char *kind, const char *bytes) {
  printf("%s ", kind);
  for (; *bytes; bytes++) printf(*bytes > ' ' && *bytes <= '~' ? "%c" : "\\x%02x", (unsigned char)*bytes);
  printf("\n");
}

static void print_files(void) {
  DIR *directory = opendir("/proc/self/fd");
  for (struct dirent *entry; (entry = readdir(directory));) {
    const int fd = atoi(entry->d_name);
    if (entry->d_name[0] == '.' || fd == dirfd(directory)) continue;
    printf("file %d flags %x descriptor flags %x\n", fd, fcntl(fd, F_GETFL), fcntl(fd, F_GETFD));
  }
  closedir(directory);
}

int main(int argc, char **argv) {
  char directory[4096];
  sigset_t blocked;
  for (int i = 0; i < argc; i++) print_bytes("argument", argv[i]);
  int variables = 0;
  while (environ[variables]) variables++;
  qsort(environ, variables, sizeof *environ, compare);
  for (int i = 0; i < variables; i++) print_bytes("variable", environ[i]);
  print_bytes("directory", getcwd(directory, sizeof directory));
  print_files();
  for (int resource = 0; resource < RLIM_NLIMITS; resource++) {
    struct rlimit limit;
    if (getrlimit(resource, &limit) == 0)
      printf("limit %d %llx %llx\n", resource, (unsigned long long)limit.rlim_cur, (unsigned long long)limit.rlim_max);
  }
  printf("priority %d\n", getpriority(PRIO_PROCESS, 0));
  printf("mask %o\n", umask(0));
  printf("user %d %d group %d %d\n", getuid(), geteuid(), getgid(), getegid());
  sigprocmask(SIG_BLOCK, NULL, &blocked);
  for (int number = 1; number < 64; number++) {
    struct sigaction action;
    const int is_ignored = sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
    const int is_blocked = sigismember(&blocked, number) == 1;
    if (is_ignored || is_blocked) printf("signal %d%s%s\n", number, is_ignored ? " ignored" : "", is_blocked ? " blocked" : "");
  }
  return 0;
}
