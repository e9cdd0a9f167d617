// Reads the chunks of events of a capture, from the first to the last: the format is described in
// src/store/event-chunk.ts. Anything may be in them.
#pragma once

#include <memory>

#include "event_history.h"
#include "event_numbers.h"

namespace mp {

// EVENT_* of src/model/events.ts.
enum EventOperation : uint8_t {
  kEventAllocate,
  kEventFree,
  kEventUnmap,
  kEventAllocateFixed,
  kEventCommit,
  kEventRelease,
  kEventCancel,
  kEventEnd,
  kEventSample,
  kEventOperations,
};

struct Event {
  int64_t time_ns = 0;
  EventOperation operation = kEventAllocate;
  uint8_t allocator = 0;
  // Index of a site, a thread or a process.
  uint32_t owner = 0;
  uint64_t address = 0;
  uint64_t size_bytes = 0;
};

bool is_of_site(EventOperation operation);

class EventDecoder {
 public:
  static constexpr size_t kMostEvents = 65'536;

  // True if it is a chunk of the version that this one reads.
  static bool is_known(ByteSpan data);
  // Begins with the next chunk, of `count` events. False if it is damaged.
  bool open(ByteSpan data, size_t count);
  // The next of the `count` events of the chunk; nothing if it is damaged.
  std::optional<Event> next();

 private:
  enum Column { kKind, kNewKind, kTime, kSize, kPlace, kDistance, kAddress, kColumns };

  std::optional<uint32_t> next_kind();
  std::optional<uint64_t> next_size(uint32_t kind);
  std::optional<uint64_t> next_allocated(uint64_t size_bytes);
  std::optional<uint64_t> next_place(size_t list, uint64_t place);
  std::optional<uint64_t> next_freed();
  std::optional<uint64_t> next_address();

  std::unique_ptr<EventHistory> history_;
  int64_t time_ns_ = 0;
  EventNumbers columns_[kColumns];
};

}  // namespace mp
