// Copies of code and str objects: hand-made ones, and those of every CPython of this machine (dump_code.py).
#include "python_code.h"

#include <charconv>
#include <set>

#include "check.h"
#include "this_machine.h"

using namespace mp;
using Bytes = std::vector<uint8_t>;

namespace {

constexpr int kFirstMinor = 8, kLastMinor = 14;

PythonCode code_of(uint32_t first_line, const Bytes &table) {
  PythonCode code;
  code.first_line = first_line;
  code.line_table.assign(table.begin(), table.end());
  return code;
}

// Lines of the instructions at 0, 2, ... up to 2 * (count - 1), as "10 10 - 11"; "-" is none.
std::string lines_of(int minor, const PythonCode &code, uint32_t count) {
  std::string text;
  for (uint32_t i = 0; i < count; i++) {
    const uint32_t line = python_line(minor, code, 2 * i);
    text += (i > 0 ? " " : "") + (line > 0 ? std::to_string(line) : "-");
  }
  return text;
}

std::optional<std::string> text_of_object(int minor, const Bytes &object) {
  // The memory of a copy ends with its last byte: the sanitizer sees a read behind it.
  const Bytes copy(object);
  return python_string(minor, copy.data(), copy.size());
}

enum { ASCII = 1 << 6, COMPACT = 1 << 5, KIND = 2 };  // bits of the state

std::optional<std::string> text_of(int minor, size_t header_bytes, uint32_t state, int64_t length, const Bytes &text) {
  Bytes object(header_bytes);
  memcpy(&object[16], &length, sizeof(length));
  memcpy(&object[32], &state, sizeof(state));
  object.insert(object.end(), text.begin(), text.end());
  return text_of_object(minor, object);
}

}  // namespace

TEST(lnotab_adds_addresses_and_signed_lines) {
  // 0: line 10; 2..5: 13; 6..9: 11 (back to the head of a loop); then 11 + 127 + 127 - 128 + 1
  const PythonCode code = code_of(10, {2, 3, 4, 0xfe, 4, 127, 0, 127, 0, 0x80, 0, 1});
  for (int minor : {8, 9}) CHECK_EQ(lines_of(minor, code, 6), "10 13 13 11 11 138");
  CHECK_EQ(python_line(8, code, 1), 10u);
  CHECK_EQ(python_line(8, code, 100000), 138u);
}

TEST(lnotab_spans_more_than_a_byte) {
  const PythonCode code = code_of(1, {255, 0, 45, 7});
  CHECK_EQ(python_line(9, code, 298), 1u);
  CHECK_EQ(python_line(9, code, 300), 8u);
}

TEST(lnotab_without_entries_is_one_line) {
  CHECK_EQ(lines_of(8, code_of(7, {}), 3), "7 7 7");
  CHECK_EQ(lines_of(8, code_of(7, {2}), 3), "7 7 7");  // half an entry
  CHECK_EQ(lines_of(8, code_of(0, {}), 1), "-");
  CHECK_EQ(lines_of(8, code_of(7, {0, 0xf0}), 1), "-");  // line -9
}

// How long the last line holds is known only if the table is whole.
TEST(a_cut_lnotab_says_nothing_of_what_is_behind) {
  PythonCode code = code_of(10, {2, 3, 4, 1});
  CHECK_EQ(lines_of(9, code, 4), "10 13 13 14");
  code.line_table_cut = true;
  CHECK_EQ(lines_of(9, code, 4), "10 13 13 -");
  CHECK_EQ(python_line(9, code, UINT32_MAX), 0u);
}

TEST(linetable_of_310_has_ranges_without_line) {
  // 2 bytes: line 11; 4: none; 2: 9; 0 bytes and 2 bytes: 9 + 127 + 1
  const PythonCode code = code_of(10, {2, 1, 4, 0x80, 2, 0xfe, 0, 127, 2, 1});
  CHECK_EQ(lines_of(10, code, 6), "11 - - 9 137 -");
  CHECK_EQ(python_line(10, code, 1), 11u);
  CHECK_EQ(python_line(10, code, UINT32_MAX), 0u);
}

TEST(linetable_of_310_goes_on_after_a_range_without_line) {
  CHECK_EQ(lines_of(10, code_of(10, {2, 5, 2, 0x80, 2, 0}), 3), "15 - 15");
  // -127 is the lowest difference
  CHECK_EQ(lines_of(10, code_of(200, {2, 0x81}), 1), "73");
}

TEST(linetable_of_310_damaged) {
  CHECK_EQ(lines_of(10, code_of(10, {}), 2), "- -");
  CHECK_EQ(lines_of(10, code_of(10, {2}), 2), "- -");
  CHECK_EQ(lines_of(10, code_of(10, {2, 1, 2}), 2), "11 -");
  CHECK_EQ(lines_of(10, code_of(10, {2, 0xf0}), 1), "-");  // line -6
}

TEST(location_table_has_kinds) {
  const PythonCode code = code_of(10, {
                                          0x80 | 0 << 3 | 1,  0x12,                 // 2 units, short form: 10
                                          0x80 | 9 << 3,      0x12,                 // short form: 10
                                          0x80 | 10 << 3,     1,          2,        // one line, +0: 10
                                          0x80 | 11 << 3,     1,          2,        // +1: 11
                                          0x80 | 12 << 3,     1,          2,        // +2: 13
                                          0x80 | 13 << 3,     5 << 1 | 1,           // no columns, -5: 8
                                          0x80 | 15 << 3,                           // none
                                          0x80 | 14 << 3 | 1, 3 << 1,     1, 4, 7,  // 2 units, long, +3: 11
                                      });
  for (int minor = 11; minor <= kLastMinor; minor++)
    CHECK_EQ(lines_of(minor, code, 11), "10 10 10 10 11 13 8 - 11 11 -");
  CHECK_EQ(python_line(12, code, 13), 8u);
  CHECK_EQ(python_line(12, code, UINT32_MAX), 0u);
}

TEST(location_table_has_large_differences) {
  // 300 << 1 in groups of 6 bits: 011000, 001001; the column that follows has two groups as well
  CHECK_EQ(lines_of(11, code_of(10, {0xf0, 0x58, 0x09, 0, 0x48, 0x03, 1, 0xd8, 0, 0}), 2), "310 311");
  CHECK_EQ(lines_of(11, code_of(310, {0xe8, 0x59, 0x09}), 1), "10");
  // 2^31 - 1 - 10 is the largest difference that gives a line
  CHECK_EQ(python_line(13, code_of(10, {0xe8, 0x6a, 0x7f, 0x7f, 0x7f, 0x7f, 0x03}), 0), 0x7fffffffu);
  CHECK_EQ(python_line(13, code_of(11, {0xe8, 0x6a, 0x7f, 0x7f, 0x7f, 0x7f, 0x03}), 0), 0u);
}

TEST(location_table_damaged) {
  CHECK_EQ(lines_of(11, code_of(10, {}), 1), "-");
  CHECK_EQ(lines_of(11, code_of(10, {0x12, 0x80, 0}), 2), "- -");         // begins within an entry
  CHECK_EQ(lines_of(11, code_of(10, {0x80, 0, 0xe8}), 2), "10 -");        // the difference is missing,
  CHECK_EQ(lines_of(11, code_of(10, {0x80, 0, 0xe8, 0x42}), 2), "10 -");  // cut,
  CHECK_EQ(lines_of(11, code_of(10, {0xe8, 0x42, 0x80, 0}), 2), "- -");   // goes on in the next entry,
  CHECK_EQ(lines_of(11, code_of(10, {0xe8, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0}), 1), "-");  // or is too long
  // or too large, even if the next one makes up for it
  const Bytes back_and_forth = {0xe8, 0x40, 0x40, 0x40, 0x40, 0x40, 0x04, 0xe8, 0x41, 0x40, 0x40, 0x40, 0x40, 0x04};
  CHECK_EQ(lines_of(11, code_of(10, back_and_forth), 2), "- -");
  CHECK_EQ(lines_of(11, code_of(10, {0xe8, 0x17}), 1), "-");   // line -1
  CHECK_EQ(lines_of(11, code_of(10, {0xf0, 0x02}), 1), "11");  // only columns are missing
  CHECK_EQ(lines_of(11, code_of(10, {0xd8}), 1), "11");
}

TEST(an_unknown_version_has_neither_lines_nor_text) {
  for (int minor : {-1, 0, 7, 15, 100}) {
    CHECK_EQ(lines_of(minor, code_of(10, {0x80, 0}), 1), "-");
    CHECK(!text_of(minor, 40, ASCII | COMPACT | 1 << KIND, 1, {'a', 'b', 0}));
  }
}

TEST(text_of_each_kind) {
  for (int minor = kFirstMinor; minor <= kLastMinor; minor++) {
    const size_t ascii = minor <= 11 ? 48 : 40, other = minor <= 11 ? 72 : 56;
    CHECK_EQ(text_of(minor, ascii, ASCII | COMPACT | 1 << KIND, 2, {'a', 'b', 0}), "ab");
    CHECK_EQ(text_of(minor, other, COMPACT | 1 << KIND, 2, {'a', 0xe9, 0}), "a\xc3\xa9");
    CHECK_EQ(text_of(minor, other, COMPACT | 2 << KIND, 2, {'a', 0, 0xac, 0x20, 0, 0}), "a\xe2\x82\xac");
    CHECK_EQ(text_of(minor, other, COMPACT | 4 << KIND, 1, {0x00, 0xf6, 0x01, 0, 0, 0, 0, 0}), "\xf0\x9f\x98\x80");
    // interned, statically allocated or ready
    CHECK_EQ(text_of(minor, ascii, ASCII | COMPACT | 1 << KIND | 3 | 1 << 7, 1, {'a', 0}), "a");
    CHECK_EQ(text_of(minor, ascii, ASCII | COMPACT | 1 << KIND, 0, {}), "");
  }
}

TEST(cut_text_has_whole_code_points) {
  CHECK_EQ(text_of(11, 48, ASCII | COMPACT | 1 << KIND, 100, {'a', 'b'}), "ab");
  CHECK_EQ(text_of(11, 48, ASCII | COMPACT | 1 << KIND, INT64_MAX, {}), "");
  CHECK_EQ(text_of(12, 56, COMPACT | 2 << KIND, 2, {0xac, 0x20, 0xac}), "\xe2\x82\xac");
  CHECK_EQ(text_of(12, 56, COMPACT | 4 << KIND, 2, {'a', 0, 0, 0, 'b', 0, 0}), "a");
}

TEST(text_that_is_no_unicode) {
  const char *replacement = "\xef\xbf\xbd";
  CHECK_EQ(text_of(12, 56, COMPACT | 2 << KIND, 1, {0x80, 0xdc}), replacement);
  CHECK_EQ(text_of(12, 56, COMPACT | 4 << KIND, 1, {0, 0, 0x11, 0}), replacement);
  CHECK_EQ(text_of(12, 56, COMPACT | 4 << KIND, 1, {0xff, 0xff, 0xff, 0xff}), replacement);
  CHECK_EQ(text_of(12, 40, ASCII | COMPACT | 1 << KIND, 1, {0xff}), "\xc3\xbf");
}

TEST(what_is_not_a_compact_str_has_no_text) {
  CHECK(!text_of_object(11, {}));
  CHECK(!text_of_object(11, Bytes(35)));
  CHECK(!text_of(11, 48, 0, 1, Bytes(100)));
  CHECK(!text_of(11, 48, ASCII | 1 << KIND, 1, Bytes(100)));
  CHECK(!text_of(11, 48, ASCII | COMPACT | 1 << KIND, -1, Bytes(100)));
  CHECK(!text_of(11, 48, ASCII | COMPACT | 2 << KIND, 1, Bytes(100)));
  for (uint32_t kind : {0, 3, 5, 6, 7}) CHECK(!text_of(11, 48, COMPACT | kind << KIND, 1, Bytes(100)));
  // the header is cut
  CHECK(!text_of(11, 47, ASCII | COMPACT | 1 << KIND, 0, {}));
  CHECK(!text_of(12, 39, ASCII | COMPACT | 1 << KIND, 0, {}));
  CHECK(!text_of(11, 71, COMPACT | 1 << KIND, 0, {}));
  CHECK(!text_of(12, 55, COMPACT | 1 << KIND, 0, {}));
}

// ---- The CPythons of this machine ----

namespace {

Bytes from_hexadecimal(const std::string &text) {
  Bytes bytes;
  if (text == "-") return bytes;
  for (size_t i = 0; i + 1 < text.size(); i += 2) {
    uint8_t byte = 0;
    std::from_chars(&text[i], &text[i] + 2, byte, 16);
    bytes.push_back(byte);
  }
  return bytes;
}

// Reads the output of dump_code.py and compares.
class Comparison {
 public:
  explicit Comparison(int minor) : minor_(minor) {}

  void line(const std::string &text) {
    std::istringstream words(text);
    std::string kind;
    words >> kind;
    if (kind == "code") {
      code(words);
    } else if (kind == "at") {
      uint32_t instruction = 0, expected = 0;
      words >> instruction >> expected;
      CHECK_EQ(python_line(minor_, code_, instruction), expected);
      frames++;
    } else if (kind == "str") {
      string(words);
    } else if (kind == "end") {
      words >> codes_announced >> strings_announced;
    } else {
      check::fail(__FILE__, __LINE__, "unexpected: " + text);
    }
  }

  size_t codes = 0, strings = 0, frames = 0, lines = 0, without_line = 0, different = 0;
  size_t codes_announced = 0, strings_announced = 0;
  std::set<int> kinds;  // of entries of the location table

 private:
  void code(std::istringstream &words) {
    std::string table;
    words >> code_.first_line >> table;
    const Bytes bytes = from_hexadecimal(table);
    code_.line_table.assign(bytes.begin(), bytes.end());
    for (uint8_t byte : bytes)
      if (byte >= 0x80) kinds.insert(byte >> 3 & 15);
    codes++;
    uint32_t expected = 0;
    for (uint32_t unit = 0; words >> expected; unit++) {
      lines++;
      without_line += expected == 0;
      for (uint32_t instruction : {2 * unit, 2 * unit + 1}) {
        const uint32_t actual = python_line(minor_, code_, instruction);
        if (actual != expected && different++ < 10)
          fprintf(stderr, "  3.%d: instruction %u is on line %u, not %u: %s\n", minor_, instruction, actual, expected,
                  table.c_str());
      }
    }
  }

  void string(std::istringstream &words) {
    std::string object, text;
    words >> object >> text;
    const Bytes bytes = from_hexadecimal(object);
    strings++;
    const auto actual = text_of_object(minor_, bytes);
    if (text == "none") {
      CHECK(!actual);
      return;
    }
    const Bytes expected_bytes = from_hexadecimal(text);
    const std::string expected(expected_bytes.begin(), expected_bytes.end());
    CHECK_EQ(actual, expected);
    cut(bytes, expected);
  }

  // The text of every beginning of an object is a beginning of the text.
  void cut(const Bytes &bytes, const std::string &expected) {
    size_t longest = 0;
    for (size_t size = 0; size < bytes.size(); size++) {
      const auto actual = text_of_object(minor_, Bytes(bytes.begin(), bytes.begin() + size));
      if (!actual) {
        CHECK_EQ(longest, 0u);
        continue;
      }
      CHECK(expected.compare(0, actual->size(), *actual) == 0);
      CHECK(actual->size() >= longest);
      CHECK(actual->size() == expected.size() || (expected[actual->size()] & 0xc0) != 0x80);
      longest = actual->size();
    }
    // behind the text is a zero of one to four bytes
    CHECK_EQ(longest, expected.size());
  }

  int minor_;
  PythonCode code_;
};

// Minor version if the program is a CPython 3 that takes part; otherwise 0.
int minor_of(const std::string &python) {
  const std::string script =
      "import sys; print(sys.implementation.name, sys.version_info[0], sys.version_info[1], sys.abiflags)";
  int minor = 0;
  char flags[8] = "";
  const std::string output = output_of("'" + python + "' -c '" + script + "' 2>/dev/null");
  if (sscanf(output.c_str(), "cpython 3 %d %7s", &minor, flags) < 1) return 0;
  const bool free_threaded = strchr(flags, 't') != nullptr;
  return minor >= kFirstMinor && minor <= kLastMinor && !free_threaded ? minor : 0;
}

std::string script_path() {
  const std::string here = __FILE__;
  const size_t slash = here.rfind('/');
  return (slash == std::string::npos ? "." : here.substr(0, slash)) + "/dump_code.py";
}

void compare(const std::string &python, int minor, const char *options) {
  Comparison comparison(minor);
  std::istringstream output(output_of("'" + python + "' -B " + options + " '" + script_path() + "'"));
  for (std::string line; std::getline(output, line);) comparison.line(line);
  printf("  %s %s: 3.%d, %zu code objects, %zu lines, %zu without line, %zu different\n", python.c_str(), options,
         minor, comparison.codes, comparison.lines, comparison.without_line, comparison.different);
  CHECK_EQ(comparison.different, 0u);
  CHECK(comparison.strings_announced >= 20 && comparison.codes_announced >= 500);
  CHECK_EQ(comparison.strings, comparison.strings_announced);
  // those of frames come again
  CHECK_EQ(comparison.codes, comparison.codes_announced);
  CHECK(comparison.frames >= 15);
  if (minor >= 10) CHECK(comparison.without_line > 0);
  const bool has_columns = minor >= 11 && *options == '\0';
  if (has_columns) CHECK_EQ(comparison.kinds.size(), 16u);
}

}  // namespace

TEST(lines_and_text_of_every_cpython) {
  std::istringstream pythons(
      output_of("ls -d /usr/bin/python3 \"${PYENV_ROOT:-$HOME/.pyenv}\"/versions/*/bin/python3 2>/dev/null"));
  bool has_system = false;
  for (std::string python; std::getline(pythons, python);) {
    const int minor = minor_of(python);
    if (minor == 0) continue;
    has_system |= python == "/usr/bin/python3";
    compare(python, minor, "");
    // tables without columns
    if (minor >= 11) compare(python, minor, "-X no_debug_ranges");
  }
  CHECK(has_system);
}
