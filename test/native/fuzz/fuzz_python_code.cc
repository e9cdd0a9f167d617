// Any bytes as the line table of a code object and as a str object, of any version. A result stays what it was when
// the end of the bytes is cut off, or becomes less: no line, a beginning of the text.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "python_code.h"

namespace {

// The front of the input.
struct Header {
  uint8_t minor;  // from 8 on, modulo the number of versions
  uint8_t cut_bytes;
  uint16_t instruction;
  uint32_t first_line;
};

bool is_utf8(const std::string &text) {
  for (size_t at = 0; at < text.size();) {
    const auto first = static_cast<uint8_t>(text[at++]);
    const size_t more = first < 0x80 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
    if ((first >= 0x80 && first < 0xc2) || first > 0xf4 || text.size() - at < more) return false;
    uint32_t code_point = more == 0 ? first : first & (0x3f >> more);
    for (size_t i = 0; i < more; i++) {
      const auto byte = static_cast<uint8_t>(text[at++]);
      if ((byte & 0xc0) != 0x80) return false;
      code_point = code_point << 6 | (byte & 0x3f);
    }
    const uint32_t smallest[] = {0, 0x80, 0x800, 0x10000};
    const bool surrogate = code_point >= 0xd800 && code_point <= 0xdfff;
    if (code_point < smallest[more] || code_point > 0x10ffff || surrogate) return false;
  }
  return true;
}

void check_lines(int minor, const Header &header, const uint8_t *table, size_t size_bytes) {
  mp::PythonCode code;
  code.first_line = header.first_line;
  code.line_table.assign(table, table + size_bytes);
  mp::PythonCode cut = code;
  cut.line_table.resize(size_bytes - std::min<size_t>(size_bytes, header.cut_bytes));
  cut.line_table_cut = true;
  for (uint32_t instruction : {uint32_t{header.instruction}, uint32_t{0}, UINT32_MAX}) {
    const uint32_t line = mp::python_line(minor, code, instruction);
    if (line > INT32_MAX) abort();
    const uint32_t cut_line = mp::python_line(minor, cut, instruction);
    if (cut_line != 0 && cut_line != line) abort();
  }
}

void check_string(int minor, const Header &header, const uint8_t *object, size_t size_bytes) {
  const auto text = mp::python_string(minor, object, size_bytes);
  if (text && (!is_utf8(*text) || text->size() > size_bytes * 2)) abort();
  // a copy, so that the sanitizer sees a read behind it
  const size_t cut_bytes = std::min<size_t>(size_bytes, header.cut_bytes);
  const std::vector<uint8_t> copy(object, object + size_bytes - cut_bytes);
  const auto beginning = mp::python_string(minor, copy.data(), copy.size());
  if (beginning && (!text || text->compare(0, beginning->size(), *beginning) != 0)) abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes) {
  Header header;
  if (size_bytes < sizeof(header)) return 0;
  memcpy(&header, data, sizeof(header));
  const int minor = 8 + header.minor % 7;
  check_lines(minor, header, data + sizeof(header), size_bytes - sizeof(header));
  check_string(minor, header, data + sizeof(header), size_bytes - sizeof(header));
  return 0;
}
