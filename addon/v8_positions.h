// Where in a script something is: tables of V8 from byte code to source text, and from source text to lines.
//
// Positions are indices of UTF-16 code units of the source text. Pure, and safe with any bytes: they come from the
// memory of a target.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "v8_strings.h"

namespace mp {

// The position that a source position table (src/codegen/source-position-table.cc, the same in V8 10.2 to 13.6) has for
// the byte code that begins at `offset`; nullopt if there is none, or the table is damaged.
std::optional<uint32_t> v8_source_position(const uint8_t *table, size_t size_bytes, uint32_t offset);

struct V8Location {
  uint32_t line = 0, column = 0;  // from 1 on

  bool operator==(const V8Location &other) const { return line == other.line && column == other.column; }
};

// The lines of one script.
struct V8Lines {
  std::vector<uint32_t> ends;                  // positions of the line terminators, and of the end of the text
  int32_t line_offset = 0, column_offset = 0;  // what is added to the numbers, because the text is a part of a file

  // nullopt behind the end.
  std::optional<V8Location> location(uint32_t position) const;
};

// What V8 has as Script::line_ends (String::CalculateLineEnds).
std::vector<uint32_t> v8_line_ends(const V8Text &source);

}  // namespace mp
