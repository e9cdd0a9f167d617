// Tables as V8 writes them, made by hand.
#include "v8_deoptimization.h"

#include <string>

#include "check.h"

using namespace mp;

namespace {

// ---- Byte codes: 0 to 3 are prefixes; 4 has no operand, 5 has one, 6 has two ----

const V8ByteCodeSizes kSizes = {{{{1, 1, 1, 1, 1, 2, 3}, {1, 1, 1, 1, 1, 3, 5}, {1, 1, 1, 1, 1, 5, 9}}}};

// Bytes of machine code: the prologue has 10, then 4, 200, 6.
const V8Bytes kOffsets = {10, 4, 0xc8, 0x01, 6};

std::optional<uint32_t> baseline(const V8Bytes &byte_codes, uint32_t pc_offset, const V8Bytes &offsets = kOffsets) {
  return baseline_byte_code_offset(kSizes, offsets, byte_codes, pc_offset);
}

// ---- Safepoints ----

constexpr V8SafepointFormat kTurbofan = {0, 8, false}, kMaglev = {0, 16, true};
constexpr V8SafepointFormat kTurbofanWithSlots = {4, 12, false};

void put(V8Bytes &to, uint64_t number, unsigned size_bytes) {
  for (unsigned i = 0; i < size_bytes; i++) to.push_back(number >> 8 * i & 0xff);
}

struct Entry {
  uint32_t pc;
  int deoptimization, trampoline;  // -1: none
};

// Numbers of pcs have two bytes, indices one, registers none.
V8Bytes safepoints(const V8SafepointFormat &format, const std::vector<Entry> &entries) {
  V8Bytes table(format.length_offset, 0x55);
  put(table, entries.size(), 4);
  put(table, 1 | 2 << 4 | 1 << 7, 4);
  table.resize(format.header_bytes);
  for (const Entry &entry : entries) {
    put(table, entry.pc, 2);
    put(table, entry.deoptimization + 1, 1);
    put(table, entry.trampoline + 1, 2);
    if (format.is_maglev) put(table, 7, 1);
  }
  return table;
}

const std::vector<Entry> kEntries = {{16, 3, 256}, {32, -1, -1}, {48, 5, 260}};

// ---- Translations ----

enum Opcode : uint8_t { kInterpretedWithReturn, kInterpreted, kBuiltin, kOther, kBegin, kBeginToo, kLiteral, kMatch };

const V8TranslationFormat kWithMatches = {{5, 3, 3, 2, 3, 3, 1, 1},
                                          {kBegin, kBeginToo},
                                          {kInterpretedWithReturn, kInterpreted},
                                          {kBuiltin, kBuiltin},
                                          true,
                                          false};

uint8_t number(int value) {
  return static_cast<uint8_t>(value < 0 ? -value << 1 | 1 : value << 1);
}

std::string show(const std::vector<V8TranslatedFrame> &frames) {
  std::string text;
  for (const V8TranslatedFrame &frame : frames) {
    text += text.empty() ? "" : " ";
    text += (frame.is_interpreted ? "" : "builtin:") + std::to_string(frame.function) + "@" +
            std::to_string(frame.byte_code_offset);
    if (frame.byte_code_array != 0) text += "/" + std::to_string(frame.byte_code_array);
  }
  return text;
}

std::string frames_of(const V8Bytes &bytes, uint32_t index = 0, const V8TranslationFormat &format = kWithMatches) {
  return show(translated_frames(format, bytes, index));
}

// Two functions and a builtin, each with a register or two.
const V8Bytes kBasis = {
    kBegin,
    0,
    number(4),
    number(3),  // distance, frames
    kInterpreted,
    number(20),
    number(1),
    number(2),
    kLiteral,
    9,
    kLiteral,
    9,  // outermost
    kOther,
    number(1),
    number(3),  // no JavaScript frame
    kBuiltin,
    number(60),
    number(2),
    number(0),
    kLiteral,
    9,  //
    kInterpretedWithReturn,
    number(30),
    number(3),
    number(2),
    number(0),
    number(1),
    kLiteral,
    9,
};

V8Bytes after_basis(const V8Bytes &bytes) {
  V8Bytes all = kBasis;
  all.insert(all.end(), bytes.begin(), bytes.end());
  return all;
}

constexpr uint8_t kDistance = 29;
constexpr uint8_t kShortMatch = kMatch + 1;

}  // namespace

TEST(baseline_return_address_belongs_to_the_byte_code_before) {
  const V8Bytes byte_codes = {5, 0, 4, 6, 0, 0};
  CHECK_EQ(baseline(byte_codes, 1), kV8FunctionEntry);
  CHECK_EQ(baseline(byte_codes, 10), kV8FunctionEntry);
  CHECK_EQ(baseline(byte_codes, 11), 0u);
  CHECK_EQ(baseline(byte_codes, 14), 0u);
  CHECK_EQ(baseline(byte_codes, 15), 2u);
  CHECK_EQ(baseline(byte_codes, 214), 2u);
  CHECK_EQ(baseline(byte_codes, 215), 3u);
  CHECK_EQ(baseline(byte_codes, 220), 3u);
  CHECK_EQ(baseline(byte_codes, 221), std::nullopt);
}

TEST(baseline_prefixes_widen_operands) {
  CHECK_EQ(baseline({0, 5, 1, 1, 4, 4}, 15), 4u);
  CHECK_EQ(baseline({1, 5, 1, 1, 1, 1, 4, 4}, 15), 6u);
  CHECK_EQ(baseline({2, 6, 1, 1, 1, 1, 4, 4}, 15), 6u);
  CHECK_EQ(baseline({3, 6, 1, 1, 1, 1, 1, 1, 1, 1, 4, 4}, 15), 10u);
  CHECK_EQ(baseline({3, 6, 1, 1, 1, 1, 1, 1, 1, 1, 4, 4}, 14), 0u);
}

TEST(baseline_damaged) {
  CHECK_EQ(baseline({}, 11), std::nullopt);
  CHECK_EQ(baseline({5, 0, 7, 4}, 15), std::nullopt);
  CHECK_EQ(baseline({0, 1, 4, 4}, 11), std::nullopt);
  CHECK_EQ(baseline({0}, 11), std::nullopt);
  CHECK_EQ(baseline({4, 4, 4}, 11, {}), std::nullopt);
  CHECK_EQ(baseline({4, 4, 4}, 300, {10, 0x80}), std::nullopt);
  CHECK_EQ(baseline_byte_code_offset({}, kOffsets, {4, 4, 4}, 11), std::nullopt);
}

TEST(safepoints_of_turbofan) {
  for (const V8SafepointFormat &format : {kTurbofan, kTurbofanWithSlots}) {
    const V8Bytes table = safepoints(format, kEntries);
    CHECK_EQ(deoptimization_index(format, table, 15), std::nullopt);
    CHECK_EQ(deoptimization_index(format, table, 16), 3u);
    // of a call that has the same entry as the one before
    CHECK_EQ(deoptimization_index(format, table, 20), 3u);
    CHECK_EQ(deoptimization_index(format, table, 32), std::nullopt);
    CHECK_EQ(deoptimization_index(format, table, 48), 5u);
    CHECK_EQ(deoptimization_index(format, table, 256), 3u);
    CHECK_EQ(deoptimization_index(format, table, 260), 5u);
  }
}

TEST(safepoints_of_maglev) {
  const V8Bytes table = safepoints(kMaglev, kEntries);
  CHECK_EQ(deoptimization_index(kMaglev, table, 16), 3u);
  CHECK_EQ(deoptimization_index(kMaglev, table, 20), std::nullopt);
  CHECK_EQ(deoptimization_index(kMaglev, table, 32), std::nullopt);
  CHECK_EQ(deoptimization_index(kMaglev, table, 48), 5u);
  CHECK_EQ(deoptimization_index(kMaglev, table, 256), 3u);
  CHECK_EQ(deoptimization_index(kMaglev, table, 260), 5u);
}

TEST(safepoints_damaged) {
  V8Bytes table = safepoints(kTurbofan, kEntries);
  table.pop_back();
  CHECK_EQ(deoptimization_index(kTurbofan, table, 16), std::nullopt);
  table.resize(7);
  CHECK_EQ(deoptimization_index(kTurbofan, table, 16), std::nullopt);
  table = safepoints(kTurbofan, kEntries);
  table[3] = 0x80;  // of the length
  CHECK_EQ(deoptimization_index(kTurbofan, table, 16), std::nullopt);
  table = safepoints(kTurbofan, kEntries);
  table[4] &= ~1;  // no deoptimizations
  CHECK_EQ(deoptimization_index(kTurbofan, table, 16), std::nullopt);
  table[4] = 0xff;  // numbers of seven bytes
  CHECK_EQ(deoptimization_index(kTurbofan, table, 16), std::nullopt);
  table = safepoints(kTurbofan, kEntries);
  table[4] = 1;  // entries of no bytes
  table[5] = 0;
  CHECK_EQ(deoptimization_index(kTurbofan, table, 16), std::nullopt);
}

TEST(frames_are_innermost_first) {
  CHECK_EQ(kBasis.size(), size_t{kDistance});
  CHECK_EQ(frames_of(kBasis), "3@30 builtin:2@0 1@20");
}

TEST(frames_match_an_earlier_translation) {
  // the outermost frame and its first literal
  const V8Bytes begin = {kBeginToo, kDistance, number(2), number(2)};
  const V8Bytes other = {kInterpreted, number(5), number(4), number(0)};
  V8Bytes bytes = after_basis(begin);
  bytes.insert(bytes.end(), {kShortMatch + 2});
  bytes.insert(bytes.end(), other.begin(), other.end());
  CHECK_EQ(frames_of(bytes, kDistance), "4@5 1@20");

  // the same as an opcode
  bytes = after_basis(begin);
  bytes.insert(bytes.end(), {kMatch, 2});
  bytes.insert(bytes.end(), other.begin(), other.end());
  CHECK_EQ(frames_of(bytes, kDistance), "4@5 1@20");

  // another outermost frame, and then all that follows it in the earlier translation
  bytes = after_basis({kBeginToo, kDistance, number(4), number(3)});
  bytes.insert(bytes.end(), other.begin(), other.end());
  bytes.push_back(kShortMatch + 7);
  CHECK_EQ(frames_of(bytes, kDistance), "3@30 builtin:2@0 4@5");

  // two matches with something between that replaces a literal
  bytes = after_basis({kBeginToo, kDistance, number(4), number(3), kShortMatch + 1, kLiteral, 1, kShortMatch + 6});
  CHECK_EQ(frames_of(bytes, kDistance), "3@30 builtin:2@0 1@20");
}

TEST(frames_of_10_2) {
  V8TranslationFormat format = kWithMatches;
  format.has_matches = false;
  const auto opcode = [](Opcode value) { return number(value); };
  const V8Bytes bytes = {opcode(kBegin),       number(2), number(2), number(0),        opcode(kInterpreted),
                         number(-1),           number(1), number(0), opcode(kLiteral), number(-3),
                         opcode(kInterpreted), number(9), number(2), number(0)};
  CHECK_EQ(frames_of(bytes, 0, format), "2@9 1@0");
}

TEST(frames_have_byte_code_arrays) {
  V8TranslationFormat format = kWithMatches;
  format.has_byte_code_array = true;
  const V8Bytes bytes = {kBegin, 0, number(1), number(1), kInterpreted, number(9), number(2), number(6)};
  CHECK_EQ(frames_of(bytes, 0, format), "2@9/6");
  CHECK_EQ(frames_of({kBegin, 0, number(1), number(1), kInterpreted, number(9), number(2), number(-6)}, 0, format), "");
}

TEST(frames_damaged) {
  CHECK_EQ(frames_of({}), "");
  CHECK_EQ(frames_of(kBasis, kBasis.size()), "");
  CHECK_EQ(frames_of(kBasis, 4), "");  // no begin
  for (size_t size = 0; size + 8 < kBasis.size(); size++)
    CHECK_EQ(frames_of(V8Bytes(kBasis.begin(), kBasis.begin() + size)), "");
  // what the earlier translation hasn't
  CHECK_EQ(frames_of(after_basis({kBeginToo, kDistance, number(4), number(4), kShortMatch + 100}), kDistance), "");
  CHECK_EQ(frames_of({kBegin, 0, number(1), number(1), kShortMatch + 1}), "");
  // it would be in front of the first one, or is none
  CHECK_EQ(frames_of({kBegin, 1, number(1), number(1), kShortMatch + 1}), "");
  CHECK_EQ(frames_of(after_basis({kBeginToo, kDistance - 4, number(1), number(1), kShortMatch + 1}), kDistance), "");
  // the next translation begins before all frames are there
  CHECK_EQ(frames_of({kBegin, 0, number(1), number(1), kBegin, 0, number(1), number(1), kInterpreted, 0, 0, 0}), "");
  CHECK_EQ(frames_of({kBegin, 0, number(1), number(1), kInterpreted, number(-2), 0, 0}), "");
  CHECK_EQ(frames_of({kBegin, 0, number(1), number(1), kInterpreted, 0, number(-2), 0}), "");
  CHECK_EQ(frames_of({kBegin, 0, number(-1), number(-1), kInterpreted, 0, 0, 0}), "");
}
