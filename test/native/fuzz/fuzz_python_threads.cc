// Any bytes as the memory of an interpreter, of any version: those of the input over and over, or those of an
// interpreter made by hand, in which words of the input appear while it is read. Reading ends, and what it gives are
// names and ids.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "made_interpreter.h"
#include "python_threads.h"

namespace {

// The front of the input.
struct Header {
  uint8_t minor;    // from 8 on, modulo the number of versions
  uint8_t is_made;  // odd: words follow that replace those of the made interpreter, otherwise bytes of memory
  uint16_t reads;   // how many reads succeed
};

struct Replacement {
  uint16_t word;    // index, modulo the number of words
  uint8_t at_read;  // before which read
  uint8_t kind;     // modulo 4, of what `value` says: the word, what to add to it, a word to point to, bits to change
  int32_t value;
};

// Bytes that successful reads give at most: copying is what takes the time.
constexpr uint64_t kMaxBytes = 4 << 20;

const MadeInterpreter &made_interpreter(int minor) {
  static const std::vector<MadeInterpreter> all = [] {
    std::vector<MadeInterpreter> made;
    for (int each = 8; each <= 13; each++) {
      MadeInterpreter interpreter(each);
      interpreter.interpreter({interpreter.thread("MainThread", 1), interpreter.thread("worker", 2, true)});
      interpreter.interpreter({interpreter.thread("inner", 3), interpreter.thread("other", 4)});
      made.push_back(interpreter);
    }
    return made;
  }();
  return all[minor - 8];
}

// Counts, and ends the success of, the reads of another one.
class BoundedReader {
 public:
  BoundedReader(uint64_t reads, mp::MemoryReader reader) : left_(reads), reader_(std::move(reader)) {}

  bool operator()(uint64_t address, void *to, size_t size_bytes) {
    if (++reads_ > mp::PythonObjects::kMaxReads) abort();
    if (left_ == 0 || size_bytes > kMaxBytes - bytes_) return false;
    left_--;
    bytes_ += size_bytes;
    return reader_(address, to, size_bytes);
  }

 private:
  uint64_t left_, reads_ = 0, bytes_ = 0;
  mp::MemoryReader reader_;
};

void check(int minor, uint64_t reads, uint64_t runtime, mp::MemoryReader reader) {
  BoundedReader bounded(reads, std::move(reader));
  const mp::MemoryReader counted = [&](uint64_t address, void *to, size_t size) { return bounded(address, to, size); };
  for (const mp::PythonThread &thread : mp::read_python_threads(counted, minor, runtime)) {
    if (thread.native_id == 0 || thread.native_id >= 1u << 30) abort();
    if (thread.name.size() > mp::PythonObjects::kMaxText * 4) abort();
  }
}

void check_bytes(int minor, const Header &header, const uint8_t *data, size_t size_bytes) {
  if (size_bytes == 0) return;
  check(minor, header.reads, 0, [=](uint64_t address, void *to, size_t count) {
    auto *out = static_cast<uint8_t *>(to);
    for (size_t at = address % size_bytes; count > 0; at = 0) {
      const size_t part = std::min(count, size_bytes - at);
      memcpy(out, data + at, part);
      out += part;
      count -= part;
    }
    return true;
  });
}

void check_made(int minor, const Header &header, const uint8_t *data, size_t size_bytes) {
  std::vector<Replacement> replacements(size_bytes / sizeof(Replacement));
  if (!replacements.empty()) memcpy(replacements.data(), data, replacements.size() * sizeof(Replacement));
  MadeInterpreter made = made_interpreter(minor);
  const uint64_t words = made.bytes.size() / 8;
  uint64_t reads = 0;
  check(minor, header.reads, made.runtime(), [&](uint64_t address, void *to, size_t count) {
    for (const Replacement &replacement : replacements) {
      if (replacement.at_read != reads) continue;
      const uint64_t at = MadeInterpreter::kBase + replacement.word % words * 8, word = made.get(at);
      const auto value = static_cast<uint64_t>(int64_t{replacement.value});
      const uint64_t results[] = {value, word + value, MadeInterpreter::kBase + value % words * 8, word ^ value};
      made.put(at, results[replacement.kind % 4]);
    }
    reads++;
    return made.read(address, to, count);
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes) {
  Header header;
  if (size_bytes < sizeof(header)) return 0;
  memcpy(&header, data, sizeof(header));
  const int minor = 8 + header.minor % 6;
  const bool is_made = (header.is_made & 1) != 0;
  (is_made ? check_made : check_bytes)(minor, header, data + sizeof(header), size_bytes - sizeof(header));
  return 0;
}
