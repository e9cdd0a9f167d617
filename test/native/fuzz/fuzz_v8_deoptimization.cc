// Any bytes as the tables of V8's compilers, in formats that are like those of its versions, or are any. Reading ends,
// and what it gives lies within the tables.
#include <algorithm>
#include <cstdlib>

#include "byte_reader.h"
#include "v8_deoptimization.h"

namespace {

mp::V8Bytes take(mp::ByteReader &reader) {
  const auto size_bytes = reader.read<uint16_t>();
  const mp::ByteReader part = reader.take(std::min<size_t>(size_bytes, reader.remaining()));
  return mp::V8Bytes(part.data(), part.data() + part.remaining());
}

void check_baseline(mp::ByteReader &reader) {
  const auto pc_offset = reader.read<uint32_t>();
  mp::V8ByteCodeSizes sizes;
  for (auto &of_scale : sizes.by_scale) of_scale = take(reader);
  const mp::V8Bytes byte_codes = take(reader), offsets = take(reader);
  const auto offset = mp::baseline_byte_code_offset(sizes, offsets, byte_codes, pc_offset);
  if (offset && *offset != mp::kV8FunctionEntry && *offset >= byte_codes.size()) abort();
}

void check_safepoints(mp::ByteReader &reader) {
  const auto pc_offset = reader.read<uint32_t>();
  const auto kind = reader.read<uint8_t>();
  const mp::V8SafepointFormat formats[] = {{0, 8, false}, {0, 16, true}, {4, 12, false}, {4, 16, true}};
  const mp::V8Bytes table = take(reader);
  const auto index = mp::deoptimization_index(formats[kind % 4], table, pc_offset);
  if (index && table.size() <= formats[kind % 4].header_bytes) abort();
}

void check_translations(mp::ByteReader &reader) {
  mp::V8TranslationFormat format{};
  const auto index = reader.read<uint32_t>();
  const auto flags = reader.read<uint8_t>();
  format.has_matches = (flags & 1) != 0;
  format.has_byte_code_array = (flags & 2) != 0;
  for (auto *opcodes : {&format.begin, &format.interpreted, &format.continuation})
    for (uint8_t &opcode : *opcodes) opcode = reader.read<uint8_t>();
  format.operand_counts = take(reader);
  const mp::V8Bytes translations = take(reader);
  const auto frames = mp::translated_frames(format, translations, index % 0x100);
  // Each takes a byte of this translation or of the earlier one.
  if (frames.size() > 2 * translations.size()) abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes) {
  mp::ByteReader reader(data, size_bytes);
  switch (reader.read<uint8_t>() % 3) {
    case 0:
      check_baseline(reader);
      break;
    case 1:
      check_safepoints(reader);
      break;
    default:
      check_translations(reader);
  }
  return 0;
}
