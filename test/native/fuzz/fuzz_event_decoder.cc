// Any bytes as chunks of events, as they are or, so that what is behind the packing is reached, as the plain bytes of
// streams.
#include <cstdlib>

#include "../event_chunks.h"
#include "sqlite/event_decoder.h"

namespace {

constexpr size_t kStreams = 21;

Bytes plain_chunk(const uint8_t *data, size_t size_bytes) {
  std::vector<Bytes> streams(kStreams);
  size_t at = 1;
  for (auto &stream : streams) {
    const size_t length = at < size_bytes ? data[at++] : 0;
    const size_t end = at + length < size_bytes ? at + length : size_bytes;
    if (at < end) stream.assign(data + at, data + end);
    at = end;
  }
  return make_chunk(size_bytes > 0 ? data[0] : 0, streams);
}

void decode(mp::EventDecoder &decoder, const Bytes &chunk) {
  constexpr size_t kCount = 255;
  if (!decoder.open({chunk.data(), chunk.size()}, kCount)) return;
  size_t count = 0;
  while (const auto event = decoder.next())
    if (++count > kCount || event->address > uint64_t{1} << 51 || event->operation >= mp::kEventOperations) abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes) {
  mp::EventDecoder decoder;
  decode(decoder, Bytes(data, data + size_bytes));
  for (size_t half = 0; half < 2; half++)
    decode(decoder, plain_chunk(data + half * size_bytes / 2, size_bytes - half * size_bytes / 2));
  return 0;
}
