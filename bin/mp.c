/*
 * Starts mp: executes Node with the command line as it stands. Node changes its own process before any JavaScript runs:
 * it raises the limit of open files, marks inherited descriptors close-on-exec, resets ignored signals and unblocks
 * blocked ones. A target of `mp run` is to get all that as mp's caller left it, so it is noted first, in the
 * environment:
 *
 *     MP_CALLER='limit=1024 files=0,1,2,10 ignored=1 blocked='
 *
 * The limit is the soft one, in descriptors; signals are numbers. src/cli/caller.ts reads it.
 *
 * Variables that Node itself heeds are meant for a Node that is the target, and would make mp's own open its debugger's
 * port, load its modules or read its channel. For `mp run` they get another name, which caller.ts takes off again:
 *
 *     NODE_OPTIONS=--inspect    ->    MP_CALLER:NODE_OPTIONS=--inspect
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define MAX_NOTE (64 * 1024)

static char note[MAX_NOTE];
static size_t note_length;

static void add(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(note + note_length, sizeof(note) - note_length, format, arguments);
  va_end(arguments);
  if (length > 0 && note_length + length < sizeof(note)) note_length += length;
}

static void add_number(int number) {
  add(note[note_length - 1] == '=' ? "%d" : ",%d", number);
}

static void add_limit(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
    add("limit=%llu", (unsigned long long)limit.rlim_cur);
  else
    add("limit=");
}

/* Descriptors that an exec does not close. */
static void add_files(void) {
  add(" files=");
  DIR *directory = opendir("/proc/self/fd");
  for (struct dirent *entry; directory && (entry = readdir(directory));) {
    const int fd = atoi(entry->d_name);
    const int flags = entry->d_name[0] == '.' ? -1 : fcntl(fd, F_GETFD);
    if (flags >= 0 && !(flags & FD_CLOEXEC)) add_number(fd);
  }
  if (directory) closedir(directory);
}

static void add_signals(void) {
  add(" ignored=");
  for (int number = 1; number <= SIGRTMAX; number++) {
    struct sigaction action;
    if (sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN) add_number(number);
  }
  add(" blocked=");
  sigset_t blocked;
  sigprocmask(SIG_BLOCK, NULL, &blocked);
  for (int number = 1; number <= SIGRTMAX; number++)
    if (sigismember(&blocked, number) == 1) add_number(number);
}

static int hide_node_variables(void) {
  static const char prefix[] = "MP_CALLER:";
  for (char **variable = environ; *variable; variable++) {
    if (strncmp(*variable, "NODE_", 5) != 0) continue;
    char *hidden = malloc(sizeof(prefix) + strlen(*variable));
    if (!hidden) return -1;
    *variable = strcat(strcpy(hidden, prefix), *variable);
  }
  return 0;
}

int main(int argc, char **argv) {
  char root[PATH_MAX];
  const ssize_t length = readlink("/proc/self/exe", root, sizeof(root) - 1);
  root[length > 0 ? length : 0] = '\0';
  for (int i = 0; i < 2; i++) /* bin, mp */
    if (strrchr(root, '/')) *strrchr(root, '/') = '\0';
  char script[PATH_MAX + 32];
  snprintf(script, sizeof(script), "%s/build/js/src/cli/main.js", root);
  if (access(script, R_OK) != 0) {
    fprintf(stderr, "mp: %s is missing; run make in %s\n", script, root);
    return 1;
  }

  add_limit();
  add_files();
  add_signals();
  setenv("MP_CALLER", note, 1);
  if (argc > 1 && strcmp(argv[1], "run") == 0 && hide_node_variables() != 0) return 1;

  const char *node = getenv("MP_NODE") ? getenv("MP_NODE") : "node";
  char **arguments = calloc(argc + 2, sizeof(*arguments));
  if (!arguments) return 1;
  arguments[0] = (char *)node;
  arguments[1] = script;
  for (int i = 1; i < argc; i++) arguments[i + 1] = argv[i];
  execvp(node, arguments);
  fprintf(stderr, "mp: cannot run %s: %s; set MP_NODE to the node to use\n", node, strerror(errno));
  return 1;
}
