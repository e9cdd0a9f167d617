/*
 * Starts mp: executes Node with the command line as it stands. Node changes its own process before any JavaScript runs:
 * it raises the limit of open files, marks inherited descriptors close-on-exec, resets ignored signals and unblocks
 * blocked ones. A target of `mp run` is to get all that as mp's caller left it, so it is noted first, in the
 * environment:
 *
 *     MP_CALLER='limit=1024 files=0,1,2,10 ignored=1 blocked='
 *
 * The limit is the soft one, in descriptors; signals are numbers. src/cli/recording/caller.ts reads it.
 *
 * Variables that Node itself heeds are meant for a Node that is the target, and would make mp's own open its debugger's
 * port, load its modules or read its channel. For `mp run` they get another name, which caller.ts takes off again:
 *
 *     NODE_OPTIONS=--inspect    ->    MP_CALLER:NODE_OPTIONS=--inspect
 *
 * Capabilities that a command has no use for are given up here, where there is one thread yet and all others will
 * inherit it: mp reads files and memory that others have written. Not for `mp run`, whose target is to have them all.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/utsname.h>
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

/* Captures and reports in folders of the caller of sudo, given to him; a signal to the tracer (detach). */
static const int for_files[] = {CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER, CAP_KILL, -1};
/* Probes and BPF maps for modules to come, files and memory of the targets, a priority. */
static const int for_tracing[] = {CAP_BPF, CAP_PERFMON, CAP_SYS_PTRACE, CAP_CHECKPOINT_RESTORE, CAP_SYS_NICE, -1};
/* Files and memory of a process. */
static const int for_reading[] = {CAP_SYS_PTRACE, CAP_CHECKPOINT_RESTORE, -1};
static const char *const readers[] = {"heap", "objgraph", "sizeof", "monitor", "snapshot", "top"};

/* --probe perf, and kernels before 6.6, which know nothing else: perf's uprobes are for CAP_SYS_ADMIN only. */
static int needs_administration(char **arguments) {
  struct utsname kernel;
  int major = 0, minor = 0;
  if (uname(&kernel) != 0 || sscanf(kernel.release, "%d.%d", &major, &minor) != 2) return 1;
  if (major < 6 || (major == 6 && minor < 6)) return 1;
  while (*arguments) {
    if (strcmp(*arguments, "perf") == 0 || strcmp(*arguments, "--probe=perf") == 0) return 1;
    arguments++;
  }
  return 0;
}

static int contains(const int *capabilities, int capability) {
  while (*capabilities != -1)
    if (*capabilities++ == capability) return 1;
  return 0;
}

/* Out of the bounding set, which limits what root gets when it executes Node, and of the ambient set, which others
 * have. Who may not do that keeps them. */
static void drop_capabilities(char **arguments) {
  const char *command = arguments[0];
  if (strcmp(command, "run") == 0 || strcmp(command, "doctor") == 0) return; /* the doctor says what there is */
  const int is_tracing = strcmp(command, "trace") == 0;
  int is_reading = 0;
  for (size_t i = 0; i < sizeof(readers) / sizeof(*readers); i++) is_reading |= strcmp(command, readers[i]) == 0;
  const int is_administrating = is_tracing && needs_administration(arguments);
  for (int capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; capability++) {
    if (capability == CAP_SYS_ADMIN && is_administrating) continue;
    if (contains(for_files, capability) || (is_tracing && contains(for_tracing, capability))) continue;
    if (is_reading && contains(for_reading, capability)) continue;
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_LOWER, capability, 0, 0);
    prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
  }
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

  if (argc > 1) drop_capabilities(argv + 1);
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
