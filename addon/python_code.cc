#include "python_code.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "byte_reader.h"

namespace mp {
namespace {

constexpr int kFirstMinor = 8;
constexpr int kLastMinor = 14;

bool is_known(int minor) {
  return minor >= kFirstMinor && minor <= kLastMinor;
}

uint32_t line_number(int64_t line) {
  return line > 0 && line <= std::numeric_limits<int32_t>::max() ? static_cast<uint32_t>(line) : 0;
}

ByteReader table_of(const PythonCode &code) {
  return ByteReader(reinterpret_cast<const uint8_t *>(code.line_table.data()), code.line_table.size());
}

// ---- 3.8, 3.9: co_lnotab (Objects/lnotab_notes.txt) ----
//
// Pairs of bytes: how much the address of the instruction grows, and by how much its line changes (signed). The last
// line holds to the end of the byte code, whose length the table does not know.
uint32_t lnotab_line(const PythonCode &code, uint32_t instruction) {
  ByteReader table = table_of(code);
  uint64_t address = 0;
  int64_t line = code.first_line;
  while (table.remaining() >= 2) {
    address += table.read<uint8_t>();
    if (address > instruction) return line_number(line);
    line += table.read<int8_t>();
  }
  return code.line_table_cut ? 0 : line_number(line);
}

// ---- 3.10: co_linetable of PEP 626 (Objects/lnotab_notes.txt) ----
//
// Pairs of bytes: the length of a range of instructions, and by how much its line differs from the one before. The
// difference -128 is not one: the range has no line.
uint32_t linetable_line(const PythonCode &code, uint32_t instruction) {
  constexpr int8_t kNoLine = -128;
  ByteReader table = table_of(code);
  uint64_t end = 0;
  int64_t line = code.first_line;
  while (table.remaining() >= 2) {
    end += table.read<uint8_t>();
    const auto difference = table.read<int8_t>();
    if (difference != kNoLine) line += difference;
    if (instruction < end) return difference == kNoLine ? 0 : line_number(line);
  }
  return 0;
}

// ---- From 3.11: co_linetable (Objects/locations.md, now InternalDocs/code_objects.md) ----
//
// Entries for ranges of up to 8 code units. The first byte of an entry, and no other, has bit 7 set:
//
//   7   6..3   2..0
//   1   kind   code units - 1      then lines and columns, in a form that the kind says

enum LocationKind : uint8_t {
  // 0..9: the same line and columns close together; 10..12: the line 0, 1, 2 lines on
  kOneLine0 = 10,
  kOneLine2 = 12,
  kNoColumns = 13,
  kLong = 14,
  kNone = 15,
};

constexpr uint8_t kEntryStart = 0x80;
constexpr uint32_t kCodeUnitBytes = 2;

// A number in groups of 6 bits, the lowest first; bit 6 says that another one follows. Its lowest bit is the sign.
// nullopt if it does not end within its entry, or has more than 32 bits.
std::optional<int64_t> signed_varint(ByteReader *table) {
  uint64_t value = 0;
  for (unsigned shift = 0; shift < 36; shift += 6) {
    const auto byte = table->read<uint8_t>();
    if (!table->ok() || (byte & kEntryStart) != 0) return std::nullopt;
    value |= static_cast<uint64_t>(byte & 0x3f) << shift;
    if ((byte & 0x40) != 0) continue;
    if (value > std::numeric_limits<uint32_t>::max()) return std::nullopt;
    const auto magnitude = static_cast<int64_t>(value >> 1);
    return (value & 1) != 0 ? -magnitude : magnitude;
  }
  return std::nullopt;
}

std::optional<int64_t> line_difference(uint8_t kind, ByteReader *table) {
  if (kind == kNoColumns || kind == kLong) return signed_varint(table);
  return kind >= kOneLine0 && kind <= kOneLine2 ? kind - kOneLine0 : 0;
}

void skip_to_entry(ByteReader *table) {
  while (!table->at_end() && (*table->data() & kEntryStart) == 0) table->read<uint8_t>();
}

uint32_t location_line(const PythonCode &code, uint32_t instruction) {
  ByteReader table = table_of(code);
  uint64_t end = 0;
  int64_t line = code.first_line;
  while (!table.at_end()) {
    const auto start = table.read<uint8_t>();
    if ((start & kEntryStart) == 0) return 0;
    const uint8_t kind = start >> 3 & 15;
    const auto difference = line_difference(kind, &table);
    if (!difference) return 0;
    line += *difference;
    end += ((start & 7) + 1) * kCodeUnitBytes;
    if (instruction < end) return kind == kNone ? 0 : line_number(line);
    skip_to_entry(&table);
  }
  return 0;
}

// ---- str objects (Include/cpython/unicodeobject.h, PEP 393) ----
//
//   0 reference count, 8 type, 16 length in code points, 24 hash, 32 state, up to 3.11: 40 wchar_t representation
//   then the text of an ASCII str, or three words (two from 3.12 on) about other representations and the text
//
// State, in bits from the lowest: interned:2 kind:3 compact:1 ascii:1. What follows differs between versions. `kind` is
// the number of bytes of a code point.

constexpr size_t kLengthOffset = 16;
constexpr size_t kStateOffset = 32;

struct StringHeader {
  uint64_t length;  // code points
  size_t unit_bytes;
  size_t text_offset;
};

std::optional<StringHeader> string_header(int minor, const uint8_t *object, size_t size_bytes) {
  int64_t length = 0;
  uint32_t state = 0;
  if (size_bytes < kStateOffset + sizeof(state)) return std::nullopt;
  memcpy(&length, object + kLengthOffset, sizeof(length));
  memcpy(&state, object + kStateOffset, sizeof(state));
  const uint32_t kind = state >> 2 & 7;
  const bool compact = (state >> 5 & 1) != 0, ascii = (state >> 6 & 1) != 0;
  if (!compact || length < 0 || (kind != 1 && kind != 2 && kind != 4) || (ascii && kind != 1)) return std::nullopt;
  const bool has_wchars = minor <= 11;
  const size_t text_offset = ascii ? (has_wchars ? 48 : 40) : (has_wchars ? 72 : 56);
  if (size_bytes < text_offset) return std::nullopt;
  return StringHeader{static_cast<uint64_t>(length), kind, text_offset};
}

void append_utf8(std::string *text, uint32_t code_point) {
  constexpr uint32_t kReplacement = 0xfffd;
  const bool surrogate = code_point >= 0xd800 && code_point <= 0xdfff;
  if (surrogate || code_point > 0x10ffff) code_point = kReplacement;
  const auto continuation = [=](unsigned shift) { return static_cast<char>(0x80 | (code_point >> shift & 0x3f)); };
  if (code_point < 0x80) {
    *text += static_cast<char>(code_point);
  } else if (code_point < 0x800) {
    *text += {static_cast<char>(0xc0 | code_point >> 6), continuation(0)};
  } else if (code_point < 0x10000) {
    *text += {static_cast<char>(0xe0 | code_point >> 12), continuation(6), continuation(0)};
  } else {
    *text += {static_cast<char>(0xf0 | code_point >> 18), continuation(12), continuation(6), continuation(0)};
  }
}

}  // namespace

uint32_t python_line(int minor, const PythonCode &code, uint32_t instruction) {
  if (!is_known(minor)) return 0;
  if (minor <= 9) return lnotab_line(code, instruction);
  return minor == 10 ? linetable_line(code, instruction) : location_line(code, instruction);
}

std::optional<std::string> python_string(int minor, const void *object, size_t size_bytes) {
  const auto *bytes = static_cast<const uint8_t *>(object);
  if (!is_known(minor)) return std::nullopt;
  const auto header = string_header(minor, bytes, size_bytes);
  if (!header) return std::nullopt;
  const uint64_t room = (size_bytes - header->text_offset) / header->unit_bytes;
  const uint64_t count = std::min(header->length, room);
  std::string text;
  for (uint64_t i = 0; i < count; i++) {
    uint32_t code_point = 0;
    memcpy(&code_point, bytes + header->text_offset + i * header->unit_bytes, header->unit_bytes);
    append_utf8(&text, code_point);
  }
  return text;
}

}  // namespace mp
