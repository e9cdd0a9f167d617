// Names of the threads of every CPython of this machine, read while it runs (start_threads.py).
#include "python_threads.h"

#include <cstdlib>
#include <fstream>
#include <set>

#include "check.h"
#include "python_process.h"

using namespace mp;

namespace {

using Names = std::map<uint32_t, std::string>;

std::string script_path() {
  const std::string here = __FILE__;
  const size_t slash = here.rfind('/');
  return (slash == std::string::npos ? "." : here.substr(0, slash)) + "/start_threads.py";
}

// How names differ from what they should be; "" if they don't.
std::string difference(const Names &actual, const Names &expected) {
  std::string text;
  for (const auto &[tid, name] : expected) {
    const auto found = actual.find(tid);
    const std::string other = found == actual.end() ? "none" : "'" + found->second + "'";
    if (found == actual.end() || found->second != name)
      text += " " + std::to_string(tid) + ": " + other + ", not '" + name + "';";
  }
  for (const auto &[tid, name] : actual)
    if (expected.count(tid) == 0) text += " " + std::to_string(tid) + ": '" + name + "', not none;";
  return text;
}

std::string from_hexadecimal(const std::string &text) {
  std::string bytes;
  for (size_t i = 0; i + 1 < text.size(); i += 2) bytes += static_cast<char>(std::stoi(text.substr(i, 2), nullptr, 16));
  return bytes;
}

// Names by process, from the lines of the script up to "ready", or `count` lines.
std::map<int, Names> announced(ChildProcess &python, size_t count = SIZE_MAX) {
  std::map<int, Names> all;
  for (size_t i = 0; i < count; i++) {
    const auto line = python.line();
    if (!line || *line == "ready") break;
    std::istringstream words(*line);
    int pid = 0;
    uint32_t tid = 0;
    std::string name;
    words >> pid >> tid >> name;
    all[pid][tid] = from_hexadecimal(name);
  }
  return all;
}

Names names_of(int pid) {
  const auto interpreter = find_interpreter(pid);
  if (!interpreter) return {{0, "no interpreter"}};
  return read_python_thread_names(pid, interpreter->image, interpreter->bias);
}

}  // namespace

TEST(there_are_pythons) {
  CHECK(!pythons().empty());
}

TEST(names_of_every_cpython) {
  for (const std::string &path : pythons()) {
    ChildProcess python({path, script_path(), "named"});
    const Names first = announced(python)[python.pid()];
    CHECK(first.size() > 200);
    CHECK_EQ(path + difference(names_of(python.pid()), first), path);
    python.say("rename\n");
    const Names second = announced(python)[python.pid()];
    CHECK(first != second);
    CHECK_EQ(path + difference(names_of(python.pid()), second), path);
  }
}

TEST(no_names_without_threading) {
  const std::string script =
      "import sys; print('threading' in sys.modules, flush=True); sys.stdin.readline(); import threading; "
      "print('now', flush=True); sys.stdin.readline()";
  for (const std::string &path : pythons()) {
    ChildProcess python({path, "-I", "-S", "-c", script});
    CHECK_EQ(python.line(), "False");
    CHECK_EQ(path + difference(names_of(python.pid()), {}), path);
    python.say("go on\n");
    CHECK_EQ(python.line(), "now");
    const Names main_thread = {{static_cast<uint32_t>(python.pid()), "MainThread"}};
    CHECK_EQ(path + difference(names_of(python.pid()), main_thread), path);
  }
}

// After a fork `_native_id` is that of another process.
TEST(names_of_forked_processes) {
  for (const std::string &path : pythons()) {
    ChildProcess python({path, "-W", "ignore", script_path(), "forked"});
    const auto processes = announced(python, 5);
    CHECK_EQ(processes.size(), 3u);
    for (const auto &[pid, names] : processes) CHECK_EQ(path + difference(names_of(pid), names), path);
  }
}

TEST(names_of_several_interpreters) {
  for (const std::string &path : pythons()) {
    ChildProcess python({path, script_path(), "interpreters"});
    const Names names = announced(python, 3)[python.pid()];
    CHECK_EQ(names.size(), 3u);
    CHECK_EQ(path + difference(names_of(python.pid()), names), path);
  }
}

// What Python calls the id of a thread is another number outside.
TEST(names_in_a_pid_namespace) {
  if (system("unshare -Urpf true 2>/dev/null") != 0) SKIP("may not make a pid namespace");
  ChildProcess launcher({"unshare", "-Urpf", "--kill-child", pythons().at(0), script_path(), "named"});
  const Names inside = announced(launcher)[1];
  CHECK(inside.size() > 200);
  const std::string process = "/proc/" + std::to_string(launcher.pid());
  int pid = 0;
  std::ifstream(process + "/task/" + std::to_string(launcher.pid()) + "/children") >> pid;
  std::istringstream ids(
      output_of("awk '/^NSpid:/ { print $2, $NF }' /proc/" + std::to_string(pid) + "/task/*/status"));
  Names outside;
  for (uint32_t outer, inner; ids >> outer >> inner;)
    if (inside.count(inner) != 0) outside[outer] = inside.at(inner);
  CHECK_EQ(outside.size(), inside.size());
  CHECK_EQ(difference(names_of(pid), outside), "");
}

// Threads begin, end and get other names all the time: a name is one that its thread has had.
TEST(names_while_threads_change) {
  for (const std::string &path : pythons()) {
    char log_path[] = "/tmp/mp-test-XXXXXX";
    const UniqueFd log(mkstemp(log_path));
    ChildProcess python({path, script_path(), "changing", log_path});
    const Names lasting = announced(python)[python.pid()];
    CHECK_EQ(lasting.size(), 4u);
    std::set<std::pair<uint32_t, std::string>> read;
    size_t missed = 0;
    for (int i = 0; i < 200; i++) {
      const Names names = names_of(python.pid());
      for (const auto &[tid, name] : names) read.emplace(tid, name);
      for (const auto &[tid, name] : lasting) missed += names.count(tid) == 0;
      usleep(1000);
    }
    CHECK(python.is_running());
    python.end();
    std::set<std::pair<uint32_t, std::string>> logged;
    std::ifstream lines(log_path);
    for (std::string line; std::getline(lines, line);)
      logged.emplace(std::stoul(line), line.substr(line.find(' ') + 1));
    unlink(log_path);
    size_t wrong = 0;
    for (const auto &thread : read) {
      if (logged.count(thread) != 0 || wrong++ >= 5) continue;
      fprintf(stderr, "  %s: %u was never called '%s'\n", path.c_str(), thread.first, thread.second.c_str());
    }
    printf("  %s: %zu names logged, %zu read, %zu wrong, %zu missed\n", path.c_str(), logged.size(), read.size(), wrong,
           missed);
    CHECK_EQ(wrong, 0u);
    // it can lose its processor in the midst of a change
    CHECK(missed <= 8);
    CHECK(read.size() > lasting.size() + 10);
  }
}

// From before it runs until after its end.
TEST(names_while_python_starts_and_ends) {
  for (const std::string &path : pythons()) {
    ChildProcess waiting({path, "-c", "print(1, flush=True); input()"});
    CHECK_EQ(waiting.line(), "1");
    CHECK(find_interpreter(waiting.pid()));  // reads the file, which takes longer than the life of what follows
    ChildProcess python({path, "-c", "import threading, json; threading.Event().wait(0.2)"});
    const Names main_thread = {{static_cast<uint32_t>(python.pid()), "MainThread"}};
    std::optional<MappedInterpreter> interpreter;
    size_t with_name = 0;
    while (python.is_running()) {
      if (!interpreter) interpreter = find_interpreter(python.pid());
      if (!interpreter) continue;
      const Names names = read_python_thread_names(python.pid(), interpreter->image, interpreter->bias);
      if (names.empty()) continue;
      with_name++;
      CHECK_EQ(path + difference(names, main_thread), path);
    }
    REQUIRE(interpreter);
    CHECK(with_name > 0);
    CHECK(read_python_thread_names(python.pid(), interpreter->image, interpreter->bias).empty());
  }
}

TEST(no_names_from_the_wrong_place) {
  ChildProcess python({pythons().at(0), script_path(), "named"});
  announced(python);
  auto interpreter = find_interpreter(python.pid());
  REQUIRE(interpreter);
  auto &[image, bias] = *interpreter;
  CHECK(!read_python_thread_names(python.pid(), image, bias).empty());
  CHECK(read_python_thread_names(python.pid(), image, bias + 4096).empty());
  CHECK(read_python_thread_names(python.pid(), image, UINT64_MAX).empty());
  CHECK(read_python_thread_names(getpid(), image, bias).empty());
  CHECK(read_python_thread_names(-1, image, bias).empty());
  image.unsupported = "for a reason";
  CHECK(read_python_thread_names(python.pid(), image, bias).empty());
}
