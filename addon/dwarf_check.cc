#include "dwarf_check.h"

#include <dwarf.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <vector>

#include "byte_reader.h"

namespace mp {
namespace {

constexpr uint64_t kMaxUnits = 500'000;
constexpr uint64_t kMaxAbbreviationsOfUnit = 65'536;
constexpr uint64_t kMaxAbbreviations = 16'000'000;  // over all units, shared tables counted each time
constexpr uint64_t kMaxAttributes = 64'000'000;     // over all tables
constexpr uint64_t kMaxLineTableBytes = 16 << 20;
constexpr uint64_t kMaxLineTablesBytes = 256 << 20;
constexpr uint64_t kMaxFileNamesBytes = 256 << 20;

ByteReader reader_of(std::string_view bytes) {
  return ByteReader(reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size());
}

struct Length {
  uint64_t bytes;
  bool dwarf64;
};

Length read_length(ByteReader *reader) {
  uint64_t length = reader->read<uint32_t>();
  if (length != 0xffffffff) return {length, false};
  return {reader->read<uint64_t>(), true};
}

uint64_t read_offset(ByteReader *reader, bool dwarf64) {
  return dwarf64 ? reader->read<uint64_t>() : reader->read<uint32_t>();
}

// Abbreviations of the table; more than the limit if it is longer. *attributes is increased by what was read.
uint64_t count_abbreviations(std::string_view section, uint64_t offset, uint64_t *attributes) {
  if (offset >= section.size()) return 0;
  ByteReader reader = reader_of(section.substr(offset));
  uint64_t count = 0;
  while (count <= kMaxAbbreviationsOfUnit && reader.uleb() != 0 && reader.ok()) {
    count++;
    reader.uleb();  // tag
    reader.read<uint8_t>();
    uint64_t name = 0;
    uint64_t form = 0;
    do {
      name = reader.uleb();
      form = reader.uleb();
      if (form == DW_FORM_implicit_const) reader.sleb();
      ++*attributes;
    } while (reader.ok() && (name != 0 || form != 0) && *attributes <= kMaxAttributes);
  }
  return count;
}

// Reads the values of one form. The text of a string; "" for other forms.
class FormReader {
 public:
  FormReader(const ElfImage &image, bool dwarf64)
      : strings_(image.section(".debug_str")), line_strings_(image.section(".debug_line_str")), dwarf64_(dwarf64) {}

  // false for a form that does not occur in line tables.
  bool read(ByteReader *reader, uint64_t form, uint64_t *string_bytes) const {
    switch (form) {
      case DW_FORM_string:
        *string_bytes = reader->c_string().size();
        return true;
      case DW_FORM_line_strp:
        *string_bytes = string_size(line_strings_, read_offset(reader, dwarf64_));
        return true;
      case DW_FORM_strp:
        *string_bytes = string_size(strings_, read_offset(reader, dwarf64_));
        return true;
      case DW_FORM_udata:
        reader->uleb();
        return true;
      case DW_FORM_data1:
        reader->take(1);
        return true;
      case DW_FORM_data2:
        reader->take(2);
        return true;
      case DW_FORM_data4:
        reader->take(4);
        return true;
      case DW_FORM_data8:
        reader->take(8);
        return true;
      case DW_FORM_data16:
        reader->take(16);
        return true;
      case DW_FORM_block:
        reader->take(reader->uleb());
        return true;
      default:
        return false;
    }
  }

 private:
  // More than a path can be long says all; measuring on would cost the square of the section.
  static constexpr size_t kMaxMeasuredBytes = 65536;

  static uint64_t string_size(std::string_view section, uint64_t offset) {
    if (offset >= section.size()) return 0;
    std::string_view rest = section.substr(offset, kMaxMeasuredBytes);
    size_t end = rest.find('\0');
    return end == std::string_view::npos ? kMaxFileNamesBytes : end;
  }

  std::string_view strings_;
  std::string_view line_strings_;
  bool dwarf64_;
};

// Adds up what the names of files and directories take when each file name has its directory in front.
class LineHeader {
 public:
  LineHeader(const ElfImage &image, ByteReader reader, bool dwarf64)
      : forms_(image, dwarf64), reader_(reader), dwarf64_(dwarf64) {}

  bool is_sane() {
    uint16_t version = reader_.read<uint16_t>();
    if (version < 2 || version > 5) return false;
    if (version >= 5) reader_.take(2);  // address size, segment selector size
    read_offset(&reader_, dwarf64_);    // header length
    reader_.take(version >= 4 ? 5 : 4);
    uint8_t opcode_base = reader_.read<uint8_t>();
    if (opcode_base == 0) return false;
    reader_.take(opcode_base - 1);
    bool known = version >= 5 ? read_entries(true) && read_entries(false) : read_old_tables();
    // The program may define files as well, in at least 6 bytes each.
    return known && reader_.ok() && fits(reader_.remaining() / 6 * longest_directory_ + names_bytes_);
  }

 private:
  static bool fits(uint64_t bytes) { return bytes <= kMaxFileNamesBytes; }

  void add_directory(uint64_t bytes) { longest_directory_ = std::max(longest_directory_, bytes + 2); }

  bool read_old_tables() {
    for (std::string_view name; !(name = reader_.c_string()).empty();) add_directory(name.size());
    add_directory(4096);  // the compilation directory
    for (std::string_view name; !(name = reader_.c_string()).empty();) {
      names_bytes_ += name.size() + longest_directory_;
      for (int i = 0; i < 3; i++) reader_.uleb();
      if (!fits(names_bytes_)) return false;
    }
    return true;
  }

  // The tables of version 5: content types and forms, then entries.
  bool read_entries(bool directories) {
    std::vector<uint64_t> forms(reader_.read<uint8_t>());
    for (uint64_t &form : forms) {
      reader_.uleb();
      form = reader_.uleb();
    }
    uint64_t count = reader_.uleb();
    if (!reader_.ok() || (forms.empty() && count > 0) || count > reader_.remaining()) return false;
    for (uint64_t i = 0; i < count; i++) {
      uint64_t bytes = 0;
      for (uint64_t form : forms) {
        uint64_t string_bytes = 0;
        if (!forms_.read(&reader_, form, &string_bytes)) return false;
        bytes += string_bytes;
      }
      if (directories) add_directory(bytes);
      names_bytes_ += directories ? 0 : bytes + longest_directory_;
      if (!reader_.ok() || !fits(names_bytes_)) return false;
    }
    return true;
  }

  FormReader forms_;
  ByteReader reader_;
  bool dwarf64_;
  uint64_t longest_directory_ = 0;
  uint64_t names_bytes_ = 0;
};

}  // namespace

bool dwarf_units_are_sane(const ElfImage &image) {
  std::string_view abbreviations = image.section(".debug_abbrev");
  ByteReader reader = reader_of(image.section(".debug_info"));
  std::map<uint64_t, uint64_t> counts;
  uint64_t total = 0;
  uint64_t attributes = 0;
  uint64_t units = 0;
  for (; !reader.at_end(); units++) {
    Length length = read_length(&reader);
    ByteReader unit = reader.take(length.bytes);
    uint16_t version = unit.read<uint16_t>();
    if (version >= 5) unit.take(2);  // unit type, address size
    uint64_t offset = read_offset(&unit, length.dwarf64);
    if (!reader.ok() || !unit.ok() || version < 2 || version > 5 || units >= kMaxUnits) return false;
    auto [count, is_new] = counts.try_emplace(offset, 0);
    if (is_new) count->second = count_abbreviations(abbreviations, offset, &attributes);
    total += count->second;
    if (count->second > kMaxAbbreviationsOfUnit) return false;
    if (total > kMaxAbbreviations || attributes > kMaxAttributes) return false;
  }
  return units > 0;
}

bool dwarf_line_table_is_sane(const ElfImage &image, uint64_t offset, uint64_t *decoded_bytes) {
  std::string_view section = image.section(".debug_line");
  if (offset >= section.size()) return false;
  ByteReader reader = reader_of(section.substr(offset));
  Length length = read_length(&reader);
  ByteReader table = reader.take(length.bytes);
  if (!reader.ok() || length.bytes > kMaxLineTableBytes) return false;
  *decoded_bytes += length.bytes;
  if (*decoded_bytes > kMaxLineTablesBytes) return false;
  return LineHeader(image, table, length.dwarf64).is_sane();
}

}  // namespace mp
