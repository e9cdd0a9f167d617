// Tables of source positions, as V8 writes them, and lines.
#include "v8_positions.h"

#include "check.h"

using namespace mp;

namespace {

// SourcePositionTableBuilder::AddPosition, EncodeEntry
class TableBuilder {
 public:
  TableBuilder &add(int32_t offset, int32_t position, bool is_statement) {
    const int64_t step = offset - offset_;
    number(is_statement ? step : -step - 1);
    const int64_t raw = int64_t{position + 1} << 1;
    number(raw - raw_);
    offset_ = offset;
    raw_ = raw;
    return *this;
  }
  TableBuilder &add_external(int32_t offset) {
    number(offset - offset_);
    number((int64_t{77} << 1 | 1) - raw_);
    offset_ = offset;
    raw_ = int64_t{77} << 1 | 1;
    return *this;
  }
  void number(int64_t value) {
    uint64_t encoded = static_cast<uint64_t>(value) << 1 ^ static_cast<uint64_t>(value >> 63);
    for (; encoded > 0x7f; encoded >>= 7) bytes.push_back(static_cast<uint8_t>(0x80 | (encoded & 0x7f)));
    bytes.push_back(static_cast<uint8_t>(encoded));
  }
  std::optional<uint32_t> at(uint32_t offset) const { return v8_source_position(bytes.data(), bytes.size(), offset); }

  std::vector<uint8_t> bytes;

 private:
  int32_t offset_ = -1;
  int64_t raw_ = 0;
};

V8Text latin(const std::string &text) {
  return {true, text, u""};
}

std::vector<uint32_t> ends_of(const std::string &text) {
  return v8_line_ends(latin(text));
}

std::string show(const std::optional<V8Location> &location) {
  return location ? std::to_string(location->line) + ":" + std::to_string(location->column) : "none";
}

}  // namespace

TEST(last_entry_at_or_before) {
  TableBuilder table;
  table.add(-1, 10, false).add(0, 20, true).add(3, 5, false).add(3, 6, true).add(1000, 500000, false);
  CHECK_EQ(table.at(0), 20u);
  CHECK_EQ(table.at(2), 20u);
  CHECK_EQ(table.at(3), 6u);
  CHECK_EQ(table.at(999), 6u);
  CHECK_EQ(table.at(1000), 500000u);
  CHECK_EQ(table.at(UINT32_MAX), 500000u);
}

TEST(entries_of_no_script) {
  TableBuilder table;
  table.add(2, 30, true).add_external(4).add(8, 31, true);
  CHECK_EQ(table.at(1), std::nullopt);
  CHECK_EQ(table.at(2), 30u);
  CHECK_EQ(table.at(5), 30u);
  CHECK_EQ(table.at(8), 31u);
  TableBuilder none;
  none.add(0, -1, true);
  CHECK_EQ(none.at(0), std::nullopt);
}

TEST(damaged_tables) {
  TableBuilder table;
  table.add(0, 1 << 20, true).add(200, 1 << 21, true);
  for (size_t size = 0; size <= table.bytes.size(); size++) {
    const auto position = v8_source_position(table.bytes.data(), size, 300);
    CHECK(!position || *position == 1 << 20 || *position == 1 << 21);
  }
  CHECK_EQ(v8_source_position(nullptr, 0, 5), std::nullopt);
  const std::vector<uint8_t> endless(1 << 16, 0xff), zeros(1 << 16, 0);
  CHECK_EQ(v8_source_position(endless.data(), endless.size(), 5), std::nullopt);
  CHECK_EQ(v8_source_position(zeros.data(), zeros.size(), 5), std::nullopt);
  TableBuilder overflow;
  overflow.number(INT64_MIN);
  overflow.number(INT64_MIN);
  CHECK_EQ(overflow.at(5), std::nullopt);
  TableBuilder far;
  for (int i = 0; i < 100; i++) far.number(INT32_MAX), far.number(INT64_MAX);
  far.at(UINT32_MAX);
}

TEST(line_terminators) {
  CHECK(ends_of("") == (std::vector<uint32_t>{0}));
  CHECK(ends_of("a") == (std::vector<uint32_t>{1}));
  CHECK(ends_of("a\nb\n") == (std::vector<uint32_t>{1, 3, 4}));
  CHECK(ends_of("a\r\nb\rc\r") == (std::vector<uint32_t>{2, 4, 6, 7}));
  CHECK(v8_line_ends({false, "", u"a\x2028\x62\x2029\n"}) == (std::vector<uint32_t>{1, 3, 4, 5}));
  CHECK(ends_of("\x85\x0b\x0c") == (std::vector<uint32_t>{3}));
}

TEST(locations) {
  const V8Lines lines{ends_of("ab\ncd\r\n\nx"), 0, 0};
  CHECK_EQ(show(lines.location(0)), "1:1");
  CHECK_EQ(show(lines.location(2)), "1:3");
  CHECK_EQ(show(lines.location(3)), "2:1");
  CHECK_EQ(show(lines.location(6)), "2:4");
  CHECK_EQ(show(lines.location(7)), "3:1");
  CHECK_EQ(show(lines.location(8)), "4:1");
  CHECK_EQ(show(lines.location(9)), "4:2");
  CHECK_EQ(show(lines.location(10)), "none");
  CHECK_EQ(show(V8Lines{}.location(0)), "none");
}

TEST(offsets_of_a_part_of_a_file) {
  const V8Lines lines{ends_of("ab\ncd"), 100, 7};
  CHECK_EQ(show(lines.location(1)), "101:9");
  CHECK_EQ(show(lines.location(4)), "102:2");
  const V8Lines before{ends_of("ab\ncd"), -1, -5};
  CHECK_EQ(show(before.location(1)), "none");
  CHECK_EQ(show(before.location(4)), "1:2");
  CHECK_EQ(show(V8Lines{ends_of("a\nb"), INT32_MAX, INT32_MIN}.location(2)), "2147483649:1");
  CHECK_EQ(show(V8Lines{ends_of("a"), 0, INT32_MIN}.location(0)), "none");
}
