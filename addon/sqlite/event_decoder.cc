#include "event_decoder.h"

namespace mp {
namespace {

constexpr uint8_t kVersion = 0x1f;
constexpr uint8_t kFresh = 1;
constexpr size_t kHeadBytes = 2;

// Meanings of numbers: src/store/event-format.ts.
constexpr uint64_t kKindByContext = 0, kKindByLast = 1, kKindNew = 2, kKindKnown = 3;
constexpr uint64_t kSizeOther = 2;
constexpr uint64_t kPlaceList = 0, kPlaceLastFreed = 1, kPlaceNext = 2, kPlaceOther = 3, kPlaceLater = 3;
constexpr uint64_t kDistanceUnknown = 0;

constexpr int64_t kTimeStepNs = 100;
constexpr int64_t kMostTimeNs = (int64_t{1} << 53) - 1;
constexpr int64_t kMostAddress = int64_t{1} << 51;

bool is_allocation(EventOperation operation) {
  return operation == kEventAllocate || operation == kEventAllocateFixed;
}

bool is_freeing(EventOperation operation) {
  return !is_of_site(operation) && operation != kEventEnd;
}

bool has_size(EventOperation operation) {
  return is_of_site(operation) || operation == kEventUnmap;
}

}  // namespace

bool is_of_site(EventOperation operation) {
  return is_allocation(operation) || operation == kEventSample;
}

bool EventDecoder::is_known(ByteSpan data) {
  return data.size_bytes >= kHeadBytes && data.bytes[0] == kVersion;
}

bool EventDecoder::open(ByteSpan data, size_t count) {
  if (!is_known(data) || count == 0 || count > kMostEvents) return false;
  if ((data.bytes[1] & kFresh) != 0) {
    history_ = std::make_unique<EventHistory>();
    time_ns_ = 0;
  }
  if (history_ == nullptr) return false;
  EventStreams streams({data.bytes + kHeadBytes, data.size_bytes - kHeadBytes});
  for (auto &column : columns_)
    if (!column.open(streams, count)) return false;
  return true;
}

std::optional<Event> EventDecoder::next() {
  const auto kind = next_kind();
  const auto time = columns_[kTime].next();
  if (!kind || !time) return std::nullopt;
  // Below 2^53 * 100 from below 2^53: no overflow.
  time_ns_ += unzigzag(*time) * kTimeStepNs;
  if (time_ns_ > kMostTimeNs || time_ns_ < -kMostTimeNs) return std::nullopt;
  const auto &[operation, allocator, owner, sizes, follower] = history_->kinds[*kind];
  Event event{time_ns_, static_cast<EventOperation>(operation), allocator, owner, 0, 0};
  if (has_size(event.operation)) {
    const auto size = next_size(*kind);
    if (!size) return std::nullopt;
    event.size_bytes = *size;
  }
  if (is_allocation(event.operation) || is_freeing(event.operation)) {
    const auto address = is_allocation(event.operation) ? next_allocated(event.size_bytes) : next_freed();
    if (!address) return std::nullopt;
    event.address = *address;
  }
  return event;
}

std::optional<uint32_t> EventDecoder::next_kind() {
  auto &kinds = history_->kinds;
  const auto symbol = columns_[kKind].next();
  if (!symbol) return std::nullopt;
  uint64_t kind = 0;
  if (*symbol == kKindNew) {
    const auto key = columns_[kNewKind].next();
    if (!key || *key / kEventOperations >= uint64_t{1} << 40) return std::nullopt;
    const uint64_t rest = *key / kEventOperations;
    kind = kinds.add(*key % kEventOperations, rest % 256, static_cast<uint32_t>(rest / 256));
  } else if (*symbol == kKindByContext) {
    kind = kinds.by_context();
  } else if (*symbol == kKindByLast) {
    kind = kinds.by_last();
  } else {
    const uint64_t newer = *symbol - kKindKnown;
    if (newer >= kinds.count()) return std::nullopt;
    kind = kinds.count() - 1 - newer;
  }
  if (kind >= kinds.count()) return std::nullopt;
  kinds.see(static_cast<uint32_t>(kind));
  return static_cast<uint32_t>(kind);
}

std::optional<uint64_t> EventDecoder::next_size(uint32_t kind) {
  const auto symbol = columns_[kSize].next();
  if (!symbol) return std::nullopt;
  auto &kinds = history_->kinds;
  const uint64_t size = *symbol < kSizeOther ? kinds[kind].sizes[*symbol] : *symbol - kSizeOther;
  kinds.see_size(kind, size);
  return size;
}

std::optional<uint64_t> EventDecoder::next_allocated(uint64_t size_bytes) {
  const size_t list = EventHistory::list_of(size_bytes);
  const auto place = columns_[kPlace].next();
  const auto address = place ? next_place(list, *place) : std::nullopt;
  if (!address || *address > kMostAddress) return std::nullopt;
  if (*place == kPlaceList)
    history_->remove_free(list, 0);
  else if (*place > kPlaceLater)
    history_->remove_free(list, *place - kPlaceLater);
  history_->add_allocation(*address, size_bytes, list);
  return address;
}

std::optional<uint64_t> EventDecoder::next_place(size_t list, uint64_t place) {
  switch (place) {
    case kPlaceList:
      return history_->free_block(list, 0);
    case kPlaceLastFreed:
      return history_->last_freed;
    case kPlaceNext:
      return history_->next_address;
    case kPlaceOther:
      return next_address();
    default:
      if (place - kPlaceLater >= EventHistory::kListLength) return std::nullopt;
      return history_->free_block(list, place - kPlaceLater);
  }
}

std::optional<uint64_t> EventDecoder::next_freed() {
  const auto distance = columns_[kDistance].next();
  if (!distance) return std::nullopt;
  const auto address = *distance == kDistanceUnknown ? next_address() : history_->allocation_at(*distance);
  if (address) history_->add_free(*address, *distance);
  return address;
}

std::optional<uint64_t> EventDecoder::next_address() {
  const auto number = columns_[kAddress].next();
  if (!number) return std::nullopt;
  const int64_t difference = *number % 2 == 0 ? 16 * unzigzag(*number / 2) : unzigzag(*number / 2);
  const int64_t address = static_cast<int64_t>(history_->last_address) + difference;
  if (address < 0 || address > kMostAddress) return std::nullopt;
  return static_cast<uint64_t>(address);
}

}  // namespace mp
