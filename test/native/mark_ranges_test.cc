// Ranges of code that get another rule than .eh_frame has for them.
#include <random>

#include "check.h"
#include "eh_frame.h"
#include "unwind_rows.h"

using namespace mp;

namespace {

using Ranges = std::vector<std::pair<uint64_t, uint64_t>>;
constexpr uint64_t kText = 0x10000;  // the lowest address
constexpr uint32_t kMark = MP_RULE_V8_INTERPRETER;

std::vector<mp_unwind_row> marked(std::vector<mp_unwind_row> rows, const Ranges &ranges, uint64_t lowest = kText) {
  mark_ranges(rows, ranges, lowest, kMark);
  return rows;
}

// Three functions and what is around them.
const std::vector<mp_unwind_row> kThree = {
    {0, kGap}, {0x100, rsp(8)}, {0x200, rsp(16)}, {0x300, rsp(24)}, {0x400, kGap}};

Ranges at(std::initializer_list<std::pair<uint64_t, uint64_t>> offsets) {
  Ranges ranges;
  for (const auto &[first, second] : offsets) ranges.emplace_back(kText + first, kText + second);
  return ranges;
}

uint32_t rule_at(const std::vector<mp_unwind_row> &rows, uint64_t pc) {
  uint32_t rule = MP_CFA_NONE;
  for (const mp_unwind_row &row : rows)
    if (row.pc <= pc) rule = row.rule;
  return rule;
}

}  // namespace

TEST(no_ranges_mark_nothing) {
  CHECK_ROWS(marked(kThree, {}), (kThree));
}

TEST(a_range_in_the_midst_of_a_row) {
  CHECK_ROWS(marked(kThree, at({{0x210, 0x220}})), {{0, kGap},
                                                    {0x100, rsp(8)},
                                                    {0x200, rsp(16)},
                                                    {0x210, kMark},
                                                    {0x220, rsp(16)},
                                                    {0x300, rsp(24)},
                                                    {0x400, kGap}});
}

TEST(a_range_across_several_rows) {
  CHECK_ROWS(marked(kThree, at({{0x180, 0x310}})),
             {{0, kGap}, {0x100, rsp(8)}, {0x180, kMark}, {0x310, rsp(24)}, {0x400, kGap}});
}

TEST(a_range_that_is_a_row) {
  CHECK_ROWS(marked(kThree, at({{0x200, 0x300}})),
             {{0, kGap}, {0x100, rsp(8)}, {0x200, kMark}, {0x300, rsp(24)}, {0x400, kGap}});
}

TEST(a_range_at_the_beginning) {
  CHECK_ROWS(marked(kThree, at({{0, 0x80}})),
             {{0, kMark}, {0x80, kGap}, {0x100, rsp(8)}, {0x200, rsp(16)}, {0x300, rsp(24)}, {0x400, kGap}});
  CHECK_ROWS(marked({{0x100, rsp(8)}}, at({{0x20, 0x40}})), {{0x20, kMark}, {0x40, MP_CFA_NONE}, {0x100, rsp(8)}});
}

TEST(a_range_behind_the_last_row) {
  CHECK_ROWS(
      marked(kThree, at({{0x1000, 0x2000}})),
      {{0, kGap}, {0x100, rsp(8)}, {0x200, rsp(16)}, {0x300, rsp(24)}, {0x400, kGap}, {0x1000, kMark}, {0x2000, kGap}});
}

TEST(a_range_over_all_rows) {
  CHECK_ROWS(marked(kThree, at({{0, 0x500}})), {{0, kMark}, {0x500, kGap}});
}

TEST(ranges_in_a_table_without_rows) {
  CHECK_ROWS(marked({}, at({{0x10, 0x20}, {0x30, 0x40}})),
             {{0x10, kMark}, {0x20, MP_CFA_NONE}, {0x30, kMark}, {0x40, MP_CFA_NONE}});
}

TEST(ranges_that_touch) {
  for (const Ranges &ranges : {at({{0x180, 0x280}}), at({{0x180, 0x1f0}, {0x1f0, 0x200}, {0x200, 0x280}})}) {
    const auto rows = marked(kThree, ranges);
    for (uint64_t pc = 0; pc < 0x500; pc++)
      CHECK_EQ(rule_at(rows, pc), pc >= 0x180 && pc < 0x280 ? kMark : rule_at(kThree, pc));
  }
}

TEST(ranges_that_overlap) {
  const auto rows = marked(kThree, at({{0x180, 0x280}, {0x1c0, 0x210}, {0x1c0, 0x2a0}}));
  for (uint64_t pc = 0; pc < 0x500; pc++)
    CHECK_EQ(rule_at(rows, pc), pc >= 0x180 && pc < 0x2a0 ? kMark : rule_at(kThree, pc));
}

TEST(ranges_that_no_row_can_hold_are_left_out) {
  const uint64_t far = kText + UINT32_MAX;
  CHECK_ROWS(marked(kThree, {{kText - 1, kText + 0x10},       // before the lowest address
                             {0, ~uint64_t{0}},               //
                             {kText + 0x110, kText + 0x110},  // empty
                             {kText + 0x120, kText + 0x110},  // ends before it begins
                             {kText, far + 1},                // too far
                             {kText + 0x100, ~uint64_t{0}}}),
             (kThree));
  CHECK_ROWS(marked({{0, kGap}}, {{far - 1, far}}), {{0, kGap}, {UINT32_MAX - 1, kMark}, {UINT32_MAX, kGap}});
}

TEST(ranges_are_addresses_of_the_file) {
  CHECK_ROWS(marked({{0, kGap}}, {{0x30, 0x40}}, 0), {{0, kGap}, {0x30, kMark}, {0x40, kGap}});
  CHECK_ROWS(marked({{0, kGap}}, {{0x400030, 0x400040}}, 0x400000), {{0, kGap}, {0x30, kMark}, {0x40, kGap}});
}

// Against a rule for each byte.
TEST(marks_what_the_plain_way_marks) {
  std::mt19937 random(1);
  constexpr size_t kBytes = 200;
  for (int round = 0; round < 3000; round++) {
    std::vector<mp_unwind_row> rows;
    for (uint32_t pc = random() % 3 ? 0 : random() % 20; pc < kBytes; pc += 1 + random() % 30) {
      const uint32_t rule = random() % 5 ? rsp(8 + 8 * int32_t(random() % 4)) : uint32_t{MP_CFA_NONE};
      if (rows.empty() || rows.back().rule != rule) rows.push_back({pc, rule});
    }
    if (random() % 20 == 0) rows.clear();
    std::vector<uint32_t> expected(kBytes);
    for (size_t pc = 0; pc < kBytes; pc++) expected[pc] = rule_at(rows, pc);
    Ranges ranges;
    for (uint64_t at = random() % 40; at < kBytes && ranges.size() < 6;) {
      const uint64_t end = at + random() % 25;  // some are empty
      ranges.emplace_back(kText + at, kText + end);
      for (uint64_t pc = at; pc < end && pc < kBytes; pc++) expected[pc] = kMark;
      at = end + (random() % 2 ? random() % 40 : 0);
    }
    mark_ranges(rows, ranges, kText, kMark);
    size_t wrong = 0;
    for (size_t pc = 0; pc < kBytes; pc++) wrong += rule_at(rows, pc) != expected[pc];
    for (size_t i = 0; i + 1 < rows.size(); i++) wrong += rows[i].pc >= rows[i + 1].pc;
    CHECK_EQ(wrong, 0u);
  }
}
