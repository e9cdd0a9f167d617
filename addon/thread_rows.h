// Which row of the capture a thread gets.
//
// A server that starts a thread for each request has any number of them in a day, and each with a row would have all
// its sites again. So a process has a row for each of its threads as long as these are few. Then a new thread takes
// over the row of one that has ended, if there is one that the kernel called the same.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>
#include <vector>

namespace mp {

class ThreadRows {
 public:
  struct Row {
    uint32_t index;
    bool is_shared;  // by threads that have ended
  };

  // `rows`: of a process, from which on they are taken over.
  explicit ThreadRows(size_t rows = 1024) : rows_(rows) {}

  // For a new thread of a process.
  Row add(uint32_t process, const std::string &comm);
  // From the next batch on the row can be taken over: what is new in a batch is applied before its records.
  void end(uint32_t process, uint32_t index, const std::string &comm);
  void end_process(uint32_t process) { processes_.erase(process); }
  void begin_batch();
  // Threads that got a row of another one.
  uint64_t merged() const { return merged_; }

 private:
  struct Ended {
    uint32_t index;
    std::string comm;
  };
  struct OfProcess {
    size_t rows = 0;
    std::deque<Ended> ended;  // longest ago first
  };

  size_t rows_;
  uint32_t next_ = 0;
  uint64_t merged_ = 0;
  std::unordered_map<uint32_t, OfProcess> processes_;
  std::vector<std::pair<uint32_t, Ended>> ended_now_;  // by process
};

}  // namespace mp
