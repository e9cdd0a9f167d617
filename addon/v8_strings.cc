#include "v8_strings.h"

#include <algorithm>
#include <vector>

namespace mp {
namespace {

// ---- Instance types of strings (src/objects/instance-type.h), the same in all versions ----

constexpr uint16_t kIsNotStringMask = 0xff80;
constexpr uint16_t kOneByte = 1 << 3;
constexpr uint16_t kUncached = 1 << 4;  // an external string that has no pointer to its characters
enum Representation : uint16_t { kSequential = 0, kCons = 1, kExternal = 2, kSliced = 3, kThin = 5, kMask = 7 };

// Code units [first, first + count) of a string.
struct Part {
  uint64_t string;
  uint32_t first, count;
};

void append_utf8(std::string &text, uint32_t code_point) {
  if (code_point < 0x80) {
    text += static_cast<char>(code_point);
    return;
  }
  const int following = code_point < 0x800 ? 1 : code_point < 0x10000 ? 2 : 3;
  constexpr uint8_t kLead[] = {0, 0xc0, 0xe0, 0xf0};
  text += static_cast<char>(kLead[following] | code_point >> (6 * following));
  for (int i = following - 1; i >= 0; i--) text += static_cast<char>(0x80 | (code_point >> (6 * i) & 0x3f));
}

class TextReader {
 public:
  explicit TextReader(V8Memory &memory) : memory_(memory), layout_(memory.layout()) {}

  std::optional<V8Text> read(uint64_t string, uint32_t count) {
    parts_.push_back({string, 0, count});
    for (size_t visited = 0; !parts_.empty(); visited++) {
      if (visited == kMaxV8Parts) return std::nullopt;
      const Part part = parts_.back();
      parts_.pop_back();
      if (part.count > 0 && !visit(part)) return std::nullopt;
    }
    return std::move(text_);
  }

 private:
  bool visit(const Part &part) {
    const auto type = memory_.type(part.string);
    const auto length = v8_string_length(memory_, part.string);
    if (!type || !length || part.first > *length || part.count > *length - part.first) return false;
    switch (*type & kMask) {
      case kSequential: {
        const auto chars = memory_.address(part.string, layout_.string_chars);
        return chars && append(*chars, *type, part);
      }
      case kExternal: {
        if ((*type & kUncached) != 0) return false;
        const auto chars = memory_.word(part.string, layout_.external_data);
        return chars && append(*chars, *type, part);
      }
      case kCons:
        return push_cons(part);
      case kSliced: {
        const auto offset = memory_.smi(part.string, layout_.sliced_offset);
        if (!offset || *offset < 0) return false;
        return push(part, layout_.sliced_parent, part.first + static_cast<uint32_t>(*offset));
      }
      case kThin:
        return push(part, layout_.thin_actual, part.first);
      default:
        return false;
    }
  }

  bool push(const Part &part, uint16_t field, uint32_t first) {
    const auto string = memory_.word(part.string, field);
    if (string) parts_.push_back({*string, first, part.count});
    return string.has_value();
  }

  bool push_cons(const Part &part) {
    const auto first = memory_.word(part.string, layout_.cons_first);
    const auto second = memory_.word(part.string, layout_.cons_second);
    const auto length = first ? v8_string_length(memory_, *first) : std::nullopt;
    if (!length || !second) return false;
    const uint32_t of_first = part.first < *length ? std::min(part.count, *length - part.first) : 0;
    const uint32_t skipped = part.first + of_first - *length;
    if (of_first < part.count) parts_.push_back({*second, skipped, part.count - of_first});
    if (of_first > 0) parts_.push_back({*first, part.first, of_first});
    return true;
  }

  bool append(uint64_t chars, uint16_t type, const Part &part) {
    const bool is_one_byte = (type & kOneByte) != 0;
    if (!is_one_byte && text_.is_one_byte) {
      for (char unit : text_.one_byte) text_.two_byte += static_cast<uint8_t>(unit);
      text_.one_byte.clear();
      text_.is_one_byte = false;
    }
    if (!is_one_byte) {
      const size_t at = text_.two_byte.size();
      text_.two_byte.resize(at + part.count);
      return memory_.read_bytes(chars + 2ull * part.first, &text_.two_byte[at], 2ull * part.count);
    }
    std::string units(part.count, 0);
    if (!memory_.read_bytes(chars + part.first, units.data(), units.size())) return false;
    if (text_.is_one_byte) {
      text_.one_byte += units;
    } else {
      for (char unit : units) text_.two_byte += static_cast<uint8_t>(unit);
    }
    return true;
  }

  V8Memory &memory_;
  const V8Layout &layout_;
  std::vector<Part> parts_;  // the first ones last
  V8Text text_;
};

}  // namespace

bool is_v8_string(uint16_t instance_type) {
  return (instance_type & kIsNotStringMask) == 0;
}

std::optional<uint32_t> v8_string_length(V8Memory &memory, uint64_t string) {
  const auto type = memory.type(string);
  if (!type || !is_v8_string(*type)) return std::nullopt;
  return memory.number<uint32_t>(string, memory.layout().string_length);
}

std::optional<V8Text> read_v8_text(V8Memory &memory, uint64_t string, size_t max_units) {
  const auto length = v8_string_length(memory, string);
  if (!length) return std::nullopt;
  return TextReader(memory).read(string, static_cast<uint32_t>(std::min<size_t>(*length, max_units)));
}

std::string to_utf8(const V8Text &text) {
  std::string utf8;
  for (size_t i = 0; i < text.size(); i++) {
    uint32_t unit = text[i];
    const bool is_high = unit >= 0xd800 && unit < 0xdc00;
    if (is_high && i + 1 < text.size() && text[i + 1] >= 0xdc00 && text[i + 1] < 0xe000)
      unit = 0x10000 + ((unit - 0xd800) << 10) + (text[++i] - 0xdc00u);
    else if (unit >= 0xd800 && unit < 0xe000)
      unit = 0xfffd;
    append_utf8(utf8, unit);
  }
  return utf8;
}

}  // namespace mp
