// A made process (made_python.h) whose code objects say something, with one page for each part of one, so that a part
// can be missing:
//
//   kCodes + n * 4096      PyCodeObject: first line and the addresses of the others
//   kNames + n * 4096      its qualified name, a str object
//   kFiles + n * 4096      its file name
//   kTables + n * 0x10000  its line table, a bytes object: length at 16, bytes from 32 on
//
// Bytes of the objects say which part they are of, so that each copy can be told.
#pragma once

#include "made_python.h"

constexpr uint64_t kNames = 0x7f5000000000, kFiles = 0x7f6000000000, kTables = 0x7f7000000000;
constexpr uint32_t kLineTableBytes = 60;

// The ring: what was put into it.
struct Ring {
  struct Event {
    mp_event_python_code head;
    std::vector<uint8_t> line_table;
  };
  std::vector<Event> events;
  uint32_t stacks = 0;            // that were sent …
  size_t codes_before_stack = 0;  // … and how many code objects before the last of them
  uint64_t room = UINT64_MAX;     // events that still fit
  uint64_t largest = UINT64_MAX;  // bytes of an event that still fits
  size_t wrong_sizes = 0;         // events that are not as long as they say

  void use() {
    host.ring = this;
    host.output = [](void *ring, const void *event, uint64_t size_bytes) {
      return static_cast<Ring *>(ring)->take(event, size_bytes);
    };
  }

 private:
  long take(const void *event, uint64_t size_bytes) {
    if (room == 0 || size_bytes > largest) return -1;
    room--;
    if (static_cast<const mp_event *>(event)->kind == MP_EVENT_STACK) {
      const auto &stack = *static_cast<const mp_event_stack *>(event);
      wrong_sizes += size_bytes != sizeof(stack) + 8ull * (stack.frame_count + stack.python_count);
      stacks++;
      codes_before_stack = events.size();
      return 0;
    }
    Event taken;
    memcpy(&taken.head, event, sizeof(taken.head));
    const auto bytes = static_cast<const uint8_t *>(event);
    wrong_sizes += size_bytes != sizeof(taken.head) + std::min<uint64_t>(taken.head.line_table_length, 8192);
    taken.line_table.assign(bytes + sizeof(taken.head), bytes + size_bytes);
    events.push_back(taken);
    return 0;
  }
};

inline std::vector<uint8_t> filled(size_t size_bytes, size_t salt) {
  std::vector<uint8_t> bytes(size_bytes);
  for (size_t i = 0; i < size_bytes; i++) bytes[i] = static_cast<uint8_t>(i * 31 + salt + i / 256);
  return bytes;
}

struct MadeCodes : MadePython {
  explicit MadeCodes(int minor, size_t count = 1) : MadePython(minor) {
    std::vector<MadeFrame> made;
    for (size_t n = 0; n < count; n++) {
      made.push_back({kFrames + (count - n) * 128, code(n), int64_t(n), true});
      put_code(n);
    }
    put_frames(made);
    ring.use();
  }

  static uint64_t code(size_t n) { return kCodes + n * 4096; }
  static uint64_t name(size_t n) { return kNames + n * 4096; }
  static uint64_t file(size_t n) { return kFiles + n * 4096; }
  static uint64_t line_table(size_t n) { return kTables + n * 0x10000; }
  static std::vector<uint8_t> line_table_bytes(size_t n, size_t size_bytes = kLineTableBytes) {
    return filled(size_bytes, n + 99);
  }

  void put_code(size_t n) {
    memory.put(code(n) + python.code_first_line, uint32_t(100 + n));
    put_string(code(n) + python.code_name, name(n), filled(MP_PYTHON_MAX_STRING, n));
    put_string(code(n) + python.code_file, file(n), filled(MP_PYTHON_MAX_STRING, n + 50));
    memory.put(code(n) + python.code_line_table, line_table(n));
    put_line_table(n, kLineTableBytes, line_table_bytes(n));
  }
  void put_string(uint64_t field, uint64_t address, const std::vector<uint8_t> &bytes) {
    memory.put(field, address);
    memory.put_bytes(address, bytes.data(), bytes.size());
  }
  void put_line_table(size_t n, uint64_t length, const std::vector<uint8_t> &bytes) {
    memory.put(line_table(n) + 16, length);
    memory.put_bytes(line_table(n) + 32, bytes.data(), bytes.size());
  }

  // The code objects that one more walk sends.
  std::vector<Ring::Event> sent(uint32_t stack_seed = kPythonSeed) {
    ring.events.clear();
    ring.stacks = 0;
    walk(stack_seed);
    return ring.events;
  }

  Ring ring;
};

inline bool holds(const uint8_t *copy, uint32_t length, const std::vector<uint8_t> &bytes) {
  return length <= bytes.size() && std::equal(copy, copy + length, bytes.begin());
}

// The event says all of the n-th code object.
inline bool is_whole(const Ring::Event &event, size_t n) {
  const mp_event_python_code &head = event.head;
  return head.code == MadeCodes::code(n) && head.first_line == 100 + n && head.name_length == MP_PYTHON_MAX_STRING &&
         head.file_length == MP_PYTHON_MAX_STRING && holds(head.name, head.name_length, filled(512, n)) &&
         holds(head.file, head.file_length, filled(512, n + 50)) && head.line_table_length == kLineTableBytes &&
         event.line_table == MadeCodes::line_table_bytes(n);
}
