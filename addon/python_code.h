// What copies of CPython's code and str objects say: lines of instructions, and text. CPython 3.8 to 3.14, 64-bit,
// little-endian, with the global interpreter lock (objects of free-threaded builds begin with a longer header).
//
// Pure, and safe with any bytes: they come from the memory of a target.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace mp {

struct PythonCode {
  std::string name;  // co_qualname from 3.11, before that co_name
  std::string file;  // co_filename
  uint32_t first_line = 0;
  std::string line_table;       // bytes of co_lnotab (3.8, 3.9) or co_linetable (from 3.10)
  bool line_table_cut = false;  // only the beginning of the table was copied
};

// The line of the instruction at `instruction`, in bytes from the start of the byte code, of a code object of CPython
// 3.`minor`: what a traceback shows for that frame.f_lasti. 0: none, because the code has no line, the table is damaged
// or cut before the instruction, or `minor` is not known.
uint32_t python_line(int minor, const PythonCode &code, uint32_t instruction);

// The text, in UTF-8, of a str object of CPython 3.`minor`. `object` holds its first `size_bytes` bytes; of text that
// goes on behind them it gives the code points that are there whole. A surrogate, which Python puts in file names that
// are not UTF-8, becomes U+FFFD. nullopt if `minor` is not known, the header is cut, or it is not one of a compact str
// (a str, but not of a subclass).
std::optional<std::string> python_string(int minor, const void *object, size_t size_bytes);

}  // namespace mp
