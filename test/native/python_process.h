// A running CPython that tells what it does: the pythons of this machine, and where their interpreter is mapped.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "elf.h"
#include "proc_maps.h"
#include "python_layout.h"
#include "this_machine.h"
#include "unique_fd.h"

// Paths of those that are 3.8 to 3.13 and have the global interpreter lock.
inline const std::vector<std::string> &pythons() {
  static const std::vector<std::string> found = [] {
    const std::string script =
        "import sys; v = sys.version_info; "
        "print(sys.implementation.name == \"cpython\" and (3, 8) <= v < (3, 14) and \"t\" not in sys.abiflags)";
    std::vector<std::string> paths;
    std::istringstream all(
        output_of("ls -d /usr/bin/python3 \"${PYENV_ROOT:-$HOME/.pyenv}\"/versions/*/bin/python3 2>/dev/null"));
    for (std::string python; std::getline(all, python);)
      if (output_of("'" + python + "' -c '" + script + "' 2>/dev/null") == "True\n") paths.push_back(python);
    return paths;
  }();
  return found;
}

struct MappedInterpreter {
  mp::PythonImage image;
  uint64_t bias = 0;
};

// nullopt if the process has no interpreter, or has not mapped it yet.
inline std::optional<MappedInterpreter> find_interpreter(int pid) {
  static std::map<std::string, std::pair<std::unique_ptr<mp::ElfFile>, std::optional<mp::PythonImage>>> files;
  const auto maps = mp::read_proc_maps(pid);
  if (!maps) return std::nullopt;
  for (const mp::ProcMapping &mapping : *maps) {
    if (!mapping.executable || mapping.inode == 0 || mapping.path.find("python") == std::string::npos) continue;
    auto [file, is_new] = files.try_emplace(mapping.path);
    auto &[elf, image] = file->second;
    std::string error;
    if (is_new && (elf = mp::ElfFile::open(mapping.path, &error))) image = mp::find_python(*elf);
    const auto bias = image ? elf->load_bias(mapping.start, mapping.offset) : std::nullopt;
    if (bias) return MappedInterpreter{*image, *bias};
  }
  return std::nullopt;
}

// A program with pipes for standard input and output. It is told to end by the end of its input.
class ChildProcess {
 public:
  explicit ChildProcess(const std::vector<std::string> &command) {
    int input[2], output[2];
    if (pipe2(input, O_CLOEXEC) != 0) return;
    mp::UniqueFd child_input(input[0]);
    input_ = mp::UniqueFd(input[1]);
    if (pipe2(output, O_CLOEXEC) != 0) return;
    mp::UniqueFd child_output(output[1]);
    output_ = mp::UniqueFd(output[0]);
    std::vector<char *> arguments;
    for (const std::string &argument : command) arguments.push_back(const_cast<char *>(argument.c_str()));
    arguments.push_back(nullptr);
    pid_ = fork();
    if (pid_ != 0) return;
    dup2(input[0], STDIN_FILENO);
    dup2(output[1], STDOUT_FILENO);
    execvp(arguments[0], arguments.data());
    _exit(127);
  }
  ~ChildProcess() {
    if (pid_ <= 0) return;
    end();
    if (is_running()) kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  ChildProcess(const ChildProcess &) = delete;
  ChildProcess &operator=(const ChildProcess &) = delete;

  int pid() const { return pid_; }
  bool is_running() const {
    siginfo_t info{};
    return waitid(P_PID, pid_, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == 0;
  }
  void say(const std::string &text) const {
    if (write(input_.get(), text.data(), text.size()) < 0) perror("write");
  }
  // nullopt at the end of the output, or after half a minute of nothing.
  std::optional<std::string> line() {
    for (;;) {
      const size_t end = buffered_.find('\n');
      if (end != std::string::npos) {
        const std::string line = buffered_.substr(0, end);
        buffered_.erase(0, end + 1);
        return line;
      }
      pollfd waiting{output_.get(), POLLIN, 0};
      char text[4096];
      if (poll(&waiting, 1, kPatienceMs) != 1) return std::nullopt;
      const ssize_t got = read(output_.get(), text, sizeof(text));
      if (got <= 0) return std::nullopt;
      buffered_.append(text, got);
    }
  }
  // Closes its input and waits for it.
  void end() {
    input_ = mp::UniqueFd();
    while (is_running() && line()) {
    }
    for (int waited = 0; is_running() && waited < kPatienceMs; waited++) usleep(1000);
  }

 private:
  static constexpr int kPatienceMs = 30000;

  int pid_ = -1;
  mp::UniqueFd input_, output_;
  std::string buffered_;
};
