#include "v8_positions.h"

#include <algorithm>

#include "byte_reader.h"

namespace mp {
namespace {

// ---- SourcePosition (src/codegen/source-position.h): bit 0: not in a script, bits 1..30: position + 1 ----

constexpr uint64_t kIsExternal = 1;
constexpr uint64_t kScriptOffsetMask = (1 << 30) - 1;

// What stands in front of the first byte code (kFunctionEntryBytecodeOffset).
constexpr int64_t kFunctionEntry = -1;

// Numbers are LEB128, with the sign in the lowest bit.
int64_t read_number(ByteReader &reader) {
  const uint64_t number = reader.uleb();
  return static_cast<int64_t>(number >> 1) ^ -static_cast<int64_t>(number & 1);
}

bool is_line_terminator(char16_t unit, char16_t next) {
  return unit == '\n' || (unit == '\r' && next != '\n') || unit == 0x2028 || unit == 0x2029;
}

}  // namespace

// Entries are {code offset, source position}, as differences from the entry before. The sign of the code offset says
// whether a statement begins.
std::optional<uint32_t> v8_source_position(const uint8_t *table, size_t size_bytes, uint32_t offset) {
  ByteReader reader(table, size_bytes);
  int64_t code_offset = kFunctionEntry;
  uint64_t position = 0;
  std::optional<uint32_t> found;
  while (!reader.at_end()) {
    const int64_t code_step = read_number(reader);
    const int64_t position_step = read_number(reader);
    if (!reader.ok() || code_step > INT32_MAX || code_step < INT32_MIN) return std::nullopt;
    code_offset += code_step >= 0 ? code_step : -(code_step + 1);
    if (code_offset > offset) break;
    position += static_cast<uint64_t>(position_step);
    const uint64_t script_offset = position >> 1 & kScriptOffsetMask;
    if ((position & kIsExternal) == 0 && script_offset > 0) found = static_cast<uint32_t>(script_offset - 1);
  }
  return found;
}

// Script::GetPositionInfo, src/objects/objects.cc.
std::optional<V8Location> V8Lines::location(uint32_t position) const {
  const auto end = std::lower_bound(ends.begin(), ends.end(), position);
  if (end == ends.end()) return std::nullopt;
  const bool is_first = end == ends.begin();
  const int64_t line = end - ends.begin() + line_offset;
  const int64_t column = is_first ? position + int64_t{column_offset} : position - (end[-1] + int64_t{1});
  if (line < 0 || line >= UINT32_MAX || column < 0 || column >= UINT32_MAX) return std::nullopt;
  return V8Location{static_cast<uint32_t>(line + 1), static_cast<uint32_t>(column + 1)};
}

std::vector<uint32_t> v8_line_ends(const V8Text &source) {
  std::vector<uint32_t> ends;
  const uint32_t size = static_cast<uint32_t>(source.size());
  for (uint32_t i = 0; i < size; i++)
    if (is_line_terminator(source[i], i + 1 < size ? source[i + 1] : 0)) ends.push_back(i);
  ends.push_back(size);
  return ends;
}

}  // namespace mp
