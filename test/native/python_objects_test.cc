// Threads of interpreters made by hand: every layout, and memory that changes, ends or goes round in circles.
#include "check.h"
#include "made_interpreter.h"
#include "python_threads.h"

using namespace mp;

namespace {

constexpr int kFirstMinor = 8, kLastMinor = 13;

// "main=1* worker=2"; * is the main thread.
std::string show_threads(const std::vector<PythonThread> &threads) {
  std::string text;
  for (const PythonThread &thread : threads)
    text +=
        (text.empty() ? "" : " ") + thread.name + "=" + std::to_string(thread.native_id) + (thread.is_main ? "*" : "");
  return text;
}

// What is read; `at_read` is called before each read with its number, from 0 on, and says whether it may succeed.
std::string threads_of(MadeInterpreter &made, int minor, const std::function<bool(uint64_t)> &at_read) {
  uint64_t reads = 0;
  const MemoryReader reader = [&](uint64_t address, void *to, size_t size_bytes) {
    return at_read(reads++) && made.read(address, to, size_bytes);
  };
  const std::string threads = show_threads(read_python_threads(reader, minor, made.runtime()));
  CHECK(reads <= PythonObjects::kMaxReads);
  return threads;
}

std::string threads_of(MadeInterpreter &made, int minor) {
  return threads_of(made, minor, [](uint64_t) { return true; });
}

MadeInterpreter made_with_threads(int minor, bool spread = false) {
  MadeInterpreter made(minor, spread);
  made.interpreter({made.thread("main", 1), made.thread("worker", 2), made.thread("other", 3, true)});
  return made;
}

constexpr const char *kThreads = "main=1* worker=2 other=3";

std::string single(int minor, const std::string &name, uint32_t native_id, bool combined = false) {
  MadeInterpreter made(minor);
  made.interpreter({made.thread(name, native_id, combined)});
  return threads_of(made, minor);
}

}  // namespace

TEST(threads_of_every_layout) {
  for (int minor = kFirstMinor; minor <= kLastMinor; minor++) {
    MadeInterpreter made = made_with_threads(minor);
    CHECK_EQ(threads_of(made, minor), kThreads);
  }
}

TEST(a_layout_is_not_another_one) {
  for (int minor = kFirstMinor; minor <= kLastMinor; minor++) {
    MadeInterpreter made = made_with_threads(minor);
    for (int other : {-1, 0, 7, 8, 9, 11, 12, 13, 14})
      if (other != minor && !(minor == 10 && other == 9)) CHECK_EQ(threads_of(made, other), "");
  }
}

TEST(nothing_without_threading) {
  for (int minor = kFirstMinor; minor <= kLastMinor; minor++) {
    MadeInterpreter none(minor);
    CHECK_EQ(threads_of(none, minor), "");
    MadeInterpreter empty(minor);
    empty.modules({});
    CHECK_EQ(threads_of(empty, minor), "");
    MadeInterpreter other(minor);
    other.modules({{other.str("threadin"), 0}, {other.str("threading2"), other.str("")}, {other.integer(1), 1}});
    CHECK_EQ(threads_of(other, minor), "");
    MadeInterpreter no_module(minor);
    no_module.modules({{no_module.str("threading"), no_module.str("threading")}});
    CHECK_EQ(threads_of(no_module, minor), "");
  }
}

TEST(the_main_interpreter_comes_first) {
  for (int minor = kFirstMinor; minor <= kLastMinor; minor++) {
    MadeInterpreter made(minor);
    made.interpreter({made.thread("main", 1), made.thread("worker", 2)});
    made.modules({});
    made.interpreter({made.thread("MainThread", 2)});
    CHECK_EQ(threads_of(made, minor), "main=1* worker=2 MainThread=2");
  }
}

TEST(interpreters_in_a_circle_end) {
  for (int minor = kFirstMinor; minor <= kLastMinor; minor++) {
    MadeInterpreter made(minor);
    made.interpreter({made.thread("main", 1)});
    const uint64_t oldest = made.newest();
    made.interpreter({made.thread("second", 2)});
    made.put(oldest + (minor == 13 ? 7264 : 0), made.newest());
    CHECK_EQ(threads_of(made, minor), "main=1* second=2");
  }
}

TEST(names_and_numbers) {
  for (int minor = kFirstMinor; minor <= kLastMinor; minor++) {
    const std::string longest(256, 'x');
    for (bool combined : {false, true}) {
      CHECK_EQ(single(minor, "", 1, combined), "=1*");
      CHECK_EQ(single(minor, longest, 4194304, combined), longest + "=4194304*");
      CHECK_EQ(single(minor, longest + "y", 0x3fffffff, combined), longest + "=1073741823*");
      CHECK_EQ(single(minor, "zero", 0, combined), "");
      CHECK_EQ(single(minor, "two digits", 0x40000000, combined), "");
    }
  }
}

TEST(many_threads) {
  for (int minor = kFirstMinor; minor <= kLastMinor; minor++) {
    MadeInterpreter made(minor);
    std::vector<uint64_t> threads;
    std::string expected;
    for (uint32_t id = 1; id <= 10000; id++) {
      threads.push_back(made.thread("t", id, id % 3 == 0));
      expected += (id > 1 ? " t=" : "t=") + std::to_string(id) + (id == 1 ? "*" : "");
    }
    made.interpreter(threads);
    CHECK(threads_of(made, minor) == expected);
  }
}

TEST(a_dict_that_changed_is_read_again) {
  for (int minor = kFirstMinor; minor <= kLastMinor; minor++) {
    MadeInterpreter made = made_with_threads(minor, true);
    const auto change = [&] { made.put(made.active() + 24, made.get(made.active() + 24) + 1); };
    uint64_t count = 0;
    CHECK_EQ(threads_of(made, minor, [&](uint64_t read) { return count = read, true; }), kThreads);
    for (uint64_t when = 0; when <= count; when++)
      CHECK_EQ(threads_of(made, minor, [&](uint64_t read) { return read == when ? change() : void(), true; }),
               kThreads);
    CHECK_EQ(threads_of(made, minor, [&](uint64_t) { return change(), true; }), "");
    // an item whose removal has begun
    made.put(made.active() + 16, 4);
    CHECK_EQ(threads_of(made, minor), "");
  }
}

// The memory of a thread that ended becomes that of one that begins.
TEST(a_thread_is_one_or_the_other) {
  for (int minor = kFirstMinor; minor <= kLastMinor; minor++) {
    for (bool combined : {false, true}) {
      MadeInterpreter before(minor, true), after(minor, true);
      before.interpreter({before.thread("old", 1, combined)});
      after.interpreter({after.thread("new", 2, combined)});
      uint64_t count = 0, old_ones = 0, new_ones = 0;
      threads_of(before, minor, [&](uint64_t read) { return count = read, true; });
      for (uint64_t when = 0; when <= count + 1; when++) {
        MadeInterpreter made = before;
        const std::string threads = threads_of(
            made, minor, [&](uint64_t read) { return read == when ? made.bytes = after.bytes : made.bytes, true; });
        old_ones += threads == "old=1*";
        new_ones += threads == "new=2*";
      }
      CHECK_EQ(old_ones + new_ones, count + 2);
      CHECK(old_ones > 0 && new_ones > 0);
      // one that becomes another one with every read
      MadeInterpreter made = before;
      threads_of(made, minor, [&](uint64_t read) { return made.bytes = read % 2 ? after.bytes : before.bytes, true; });
    }
  }
}

// The process ends, or one page cannot be read.
TEST(memory_that_cannot_be_read) {
  for (int minor = kFirstMinor; minor <= kLastMinor; minor++) {
    MadeInterpreter made = made_with_threads(minor, true);
    uint64_t count = 0;
    threads_of(made, minor, [&](uint64_t read) { return count = read, true; });
    for (uint64_t end = 0; end <= count; end++) {
      const std::string threads = threads_of(made, minor, [&](uint64_t read) { return read < end; });
      CHECK_EQ(threads, std::string(kThreads).substr(0, threads.size()));
      CHECK(threads != kThreads);
      const std::string with_hole = threads_of(made, minor, [&](uint64_t read) { return read != end; });
      for (const char *thread : {"main=1*", "worker=2", "other=3"}) {
        const size_t at = with_hole.find(thread);
        CHECK(at == std::string::npos || at == 0 || with_hole[at - 1] == ' ');
      }
    }
  }
}

// A fifth of all words, one after the other, has each of some values.
TEST(damaged_memory) {
  for (int minor = kFirstMinor; minor <= kLastMinor; minor++) {
    MadeInterpreter made = made_with_threads(minor);
    for (uint64_t at = 0; at < made.bytes.size(); at += 8) {
      const uint64_t address = MadeInterpreter::kBase + at, word = made.get(address);
      if (word == 0 && at % 40 != 0) continue;
      for (uint64_t damaged : {uint64_t{0}, uint64_t{1}, word + 1, word - 8, word | 0xff00, word << 8, ~word,
                               ~uint64_t{0}, address, made.runtime(), made.active(), uint64_t{1} << 63}) {
        made.put(address, damaged);
        threads_of(made, minor);
      }
      made.put(address, word);
    }
    CHECK_EQ(threads_of(made, minor), kThreads);
  }
}

// Every dict has the most entries that are read, and all is everywhere.
TEST(endless_memory_ends) {
  for (int minor = kFirstMinor; minor <= kLastMinor; minor++) {
    for (uint64_t word : {uint64_t{0}, uint64_t{1} << 16, ~uint64_t{0}, uint64_t{0x0000100010001010}}) {
      uint64_t reads = 0, bytes = 0;
      const MemoryReader reader = [&](uint64_t, void *to, size_t size_bytes) {
        for (size_t i = 0; i < size_bytes; i++) static_cast<uint8_t *>(to)[i] = word >> i % 8 * 8 & 0xff;
        reads++;
        bytes += size_bytes;
        return true;
      };
      read_python_threads(reader, minor, 0);
      CHECK(reads <= PythonObjects::kMaxReads);
      CHECK(bytes <= PythonObjects::kMaxReads * PythonObjects::kPageBytes + PythonObjects::kMaxCopiedBytes);
    }
  }
}
