// Strings of V8, whatever they are made of: characters in the heap, parts of other strings, memory of the program.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "v8_memory.h"

namespace mp {

// Code units of a string: Latin-1 as long as all parts of it are.
struct V8Text {
  bool is_one_byte = true;
  std::string one_byte;
  std::u16string two_byte;

  size_t size() const { return is_one_byte ? one_byte.size() : two_byte.size(); }
  char16_t operator[](size_t i) const { return is_one_byte ? static_cast<uint8_t>(one_byte[i]) : two_byte[i]; }
};

// Of how many strings one may be made. "a" + b + c is not put together before V8 has to, however long the sum is, and
// a program may have built its source text that way; a name has a handful of parts.
constexpr size_t kMaxV8Parts = 1 << 14;

bool is_v8_string(uint16_t instance_type);

// The number of code units; nullopt if it is no string.
std::optional<uint32_t> v8_string_length(V8Memory &memory, uint64_t string);

// The first `max_units` code units; nullopt if it is no string, not all of them can be read, or it has too many parts.
std::optional<V8Text> read_v8_text(V8Memory &memory, uint64_t string, size_t max_units);

// UTF-8. What is only half of a surrogate pair becomes U+FFFD.
std::string to_utf8(const V8Text &text);

}  // namespace mp
