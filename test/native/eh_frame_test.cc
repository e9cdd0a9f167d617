#include "eh_frame.h"

#include "check.h"
#include "elf_builder.h"
#include "unwind_rows.h"

using namespace mp;
using Bytes = ElfBuilder::Bytes;

namespace {

constexpr uint64_t kText = 0x10000;      // ELF address of 64 KiB of code: row pcs are relative to it
constexpr uint64_t kSection = 0x200000;  // ELF address of .eh_frame

// Writes .eh_frame with absolute 64-bit pcs (encoding 0) unless a test says otherwise.
class EhFrame {
 public:
  // CFA = rsp + 8, return address at CFA - 8; returns the offset of the CIE.
  size_t cie(const std::string &augmentation = "", const Bytes &data = {}, const Bytes &instructions = kInitial) {
    Bytes body = {0, 0, 0, 0, 1};
    append(&body, Bytes(augmentation.c_str(), augmentation.c_str() + augmentation.size() + 1));
    append(&body, {1, 0x78, 16});  // code alignment 1, data alignment -8, return address in column 16
    if (!augmentation.empty()) append(&body, {static_cast<uint8_t>(data.size())});
    append(&body, data);
    append(&body, instructions);
    return entry(body);
  }

  // An FDE of the code at kText + start. `augmented`: its CIE has augmentation data, so it has some, too (none).
  void fde(size_t cie, uint64_t start, uint64_t length, const Bytes &instructions, bool augmented = false) {
    Bytes body = pointer_to(cie);
    append(&body, ElfBuilder::bytes_of(std::vector<uint64_t>{kText + start, length}));
    if (augmented) append(&body, {0});
    append(&body, instructions);
    entry(body);
  }

  Bytes pointer_to(size_t cie) const {
    return ElfBuilder::bytes_of(std::vector<uint32_t>{static_cast<uint32_t>(bytes_.size() + 4 - cie)});
  }

  size_t entry(const Bytes &body) {
    size_t at = bytes_.size();
    append(&bytes_, ElfBuilder::bytes_of(std::vector<uint32_t>{static_cast<uint32_t>(body.size())}));
    append(&bytes_, body);
    return at;
  }

  static void append(Bytes *bytes, const Bytes &more) { bytes->insert(bytes->end(), more.begin(), more.end()); }

  std::vector<mp_unwind_row> rows(EhFrameStats *stats = nullptr) const {
    ElfBuilder builder;
    builder.add_segment({PT_LOAD, PF_R | PF_X, kText}, Bytes(0x10000, 0x90));
    builder.add_section(".eh_frame", {SHT_PROGBITS, kSection}, bytes_);
    Bytes image = builder.build();
    std::string error;
    return build_unwind_rows(*ElfFile::from_memory(image.data(), image.size(), &error), stats);
  }

  Bytes bytes_;
  static const Bytes kInitial;
};

const Bytes EhFrame::kInitial = {0x0c, 7, 8, 0x90, 1};  // def_cfa rsp 8; offset 16 at cfa - 8

// Rows of one FDE over [0x100, 0x200) with the given instructions, without the gaps around it.
std::vector<mp_unwind_row> rows_of(const Bytes &instructions, const std::string &augmentation = "") {
  EhFrame frame;
  size_t cie = frame.cie(augmentation);
  frame.fde(cie, 0x100, 0x100, instructions, !augmentation.empty());
  auto rows = frame.rows();
  if (rows.size() < 3 || rows.front().pc != 0 || rows.back().pc != 0x200) return rows;
  return {rows.begin() + 1, rows.end() - 1};
}

}  // namespace

TEST(function_with_frame_pointer) {
  CHECK_ROWS(rows_of({0x41, 0x0e, 16, 0x86, 2, 0x43, 0x0d, 6, 0x02, 0x80, 0x0c, 7, 8}),
             {{0x100, rsp(8)}, {0x101, rsp(16, 2)}, {0x104, rbp(16, 2)}, {0x184, rsp(8, 2)}});
}

TEST(restored_and_remembered_rules) {
  CHECK_ROWS(rows_of({0x41, 0x0e, 16, 0x86, 2, 0x41, 0xc6}), {{0x100, rsp(8)}, {0x101, rsp(16, 2)}, {0x102, rsp(16)}});
  CHECK_ROWS(rows_of({0x41, 0x0e, 16, 0x86, 2, 0x41, 0x0a, 0x0e, 8, 0xc6, 0x41, 0x0b}),
             {{0x100, rsp(8)}, {0x101, rsp(16, 2)}, {0x102, rsp(8)}, {0x103, rsp(16, 2)}});
}

TEST(restores_the_rule_of_the_cie) {
  EhFrame frame;
  size_t cie = frame.cie("", {}, {0x0c, 7, 16, 0x90, 1, 0x86, 2});
  frame.fde(cie, 0x100, 0x10, {0x86, 3, 0x41, 0xc6});
  CHECK_ROWS(frame.rows(), {{0, kGap}, {0x100, rsp(16, 3)}, {0x101, rsp(16, 2)}, {0x110, kGap}});
}

TEST(advances) {
  CHECK_ROWS(rows_of({0x02, 1, 0x0e, 16, 0x03, 2, 0, 0x0e, 24, 0x04, 3, 0, 0, 0, 0x0e, 32}),
             {{0x100, rsp(8)}, {0x101, rsp(16)}, {0x103, rsp(24)}, {0x106, rsp(32)}});
  // set_loc 0x10180
  CHECK_ROWS(rows_of({0x01, 0x80, 0x01, 1, 0, 0, 0, 0, 0, 0x0e, 16}), {{0x100, rsp(8)}, {0x180, rsp(16)}});
  // past the end
  CHECK_ROWS(rows_of({0x03, 0xff, 0xff, 0x0e, 16, 0x04, 0xff, 0xff, 0xff, 0xff}), {{0x100, rsp(8)}});
}

TEST(equal_rules_are_merged) {
  CHECK_ROWS(rows_of({0x41, 0x0e, 16, 0x41, 0x83, 2, 0x41, 0x0e, 8}),
             {{0x100, rsp(8)}, {0x101, rsp(16)}, {0x103, rsp(8)}});
}

TEST(rules_of_rbp) {
  CHECK_ROWS(rows_of({0x05, 6, 125}), {{0x100, rsp(8, 125)}});
  CHECK_ROWS(rows_of({0x05, 6, 126}), {{0x100, rsp(8, MP_RBP_LOST)}});   // does not fit
  CHECK_ROWS(rows_of({0x11, 6, 0x7f}), {{0x100, rsp(8, MP_RBP_LOST)}});  // above the CFA
  CHECK_ROWS(rows_of({0x11, 6, 2}), {{0x100, rsp(8, 2)}});
  CHECK_ROWS(rows_of({0x07, 6}), {{0x100, rsp(8, MP_RBP_LOST)}});
  CHECK_ROWS(rows_of({0x09, 6, 3}), {{0x100, rsp(8, MP_RBP_LOST)}});
  CHECK_ROWS(rows_of({0x14, 6, 2}), {{0x100, rsp(8, MP_RBP_LOST)}});
  CHECK_ROWS(rows_of({0x16, 6, 2, 0x76, 0}), {{0x100, rsp(8, MP_RBP_LOST)}});
  CHECK_ROWS(rows_of({0x10, 6, 2, 0x76, 0}), {{0x100, rsp(8, MP_RBP_AT_RBP)}});
  CHECK_ROWS(rows_of({0x10, 6, 2, 0x76, 8}), {{0x100, rsp(8, MP_RBP_LOST)}});
  CHECK_ROWS(rows_of({0x86, 2, 0x08, 6}), {{0x100, rsp(8)}});
  CHECK_ROWS(rows_of({0x86, 2, 0x06, 6}), {{0x100, rsp(8)}});
}

TEST(rules_of_the_return_address) {
  CHECK_ROWS(rows_of({0x07, 16}), {{0x100, MP_CFA_END}});
  CHECK_ROWS(rows_of({0x90, 2}), {{0x100, MP_CFA_NONE}});
  CHECK_ROWS(rows_of({0x09, 16, 2}), {{0x100, MP_CFA_NONE}});
  CHECK_ROWS(rows_of({0x07, 16, 0x41, 0xd0}), {{0x100, MP_CFA_END}, {0x101, rsp(8)}});
}

TEST(rules_of_the_cfa) {
  CHECK_ROWS(rows_of({0x0d, 10}), {{0x100, MP_CFA_NONE}});   // r10 of a realigning prologue
  CHECK_ROWS(rows_of({0x12, 6, 0x7e}), {{0x100, rbp(16)}});  // factored
  CHECK_ROWS(rows_of({0x13, 0x7d}), {{0x100, rsp(24)}});
  CHECK_ROWS(rows_of({0x0c, 6, 0x08, 0x0f, 3, 0x76, 0x78, 0x06}), {{0x100, MP_RULE(MP_CFA_DEREF, 0, -8)}});
  CHECK_ROWS(rows_of({0x0f, 2, 0x76, 0x78}), {{0x100, MP_CFA_NONE}});
  CHECK_ROWS(rows_of({0x0f, 11, 0x77, 8, 0x80, 0, 0x3f, 0x1a, 0x3b, 0x2a, 0x33, 0x24, 0x22}),
             {{0x100, MP_RULE(MP_CFA_PLT, 0, 0)}});
  CHECK_ROWS(rows_of({0x0f, 11, 0x77, 8, 0x80, 0, 0x3f, 0x1a, 0x3b, 0x2a, 0x33, 0x24, 0x23}), {{0x100, MP_CFA_NONE}});
  CHECK_ROWS(rows_of({0x0e, 0xff, 0xff, 0x7f}), {{0x100, rsp(0x1fffff)}});
  CHECK_ROWS(rows_of({0x0e, 0x80, 0x80, 0x80, 0x01}), {{0x100, MP_CFA_NONE}});  // 0x200000 does not fit
}

TEST(signal_frames) {
  // def_cfa_expression breg7 160; deref
  CHECK_ROWS(rows_of({0x0f, 4, 0x77, 0xa0, 0x01, 0x06}, "zS"), {{0x100, MP_CFA_SIGNAL}});
  // An ordinary frame whose pc is not behind a call.
  CHECK_ROWS(rows_of({}, "zS"), {{0x100, rsp(8)}});
}

TEST(gaps_between_functions) {
  EhFrame frame;
  size_t cie = frame.cie();
  frame.fde(cie, 0x300, 0x10, {0x0e, 32});
  frame.fde(cie, 0x100, 0x100, {0x0e, 16});
  frame.fde(cie, 0x200, 0x80, {0x0e, 24});
  EhFrameStats stats;
  auto rows = frame.rows(&stats);
  CHECK_ROWS(rows, {{0, kGap}, {0x100, rsp(16)}, {0x200, rsp(24)}, {0x280, kGap}, {0x300, rsp(32)}, {0x310, kGap}});
  CHECK_EQ(stats.fdes, 3u);
  CHECK_EQ(stats.rows, 6u);
  CHECK_EQ(stats.skipped_fdes, 0u);
}

TEST(overlapping_functions) {
  EhFrame frame;
  size_t cie = frame.cie();
  frame.fde(cie, 0x100, 0x100, {0x0e, 16});
  frame.fde(cie, 0x180, 0x100, {0x0e, 24, 0x02, 0xc0, 0x0e, 32});
  frame.fde(cie, 0x110, 0x10, {0x0e, 40});
  CHECK_ROWS(frame.rows(), {{0, kGap}, {0x100, rsp(16)}, {0x200, rsp(24)}, {0x240, rsp(32)}, {0x280, kGap}});
}

TEST(pc_relative_pointers) {
  EhFrame frame;
  size_t cie = frame.cie("zPLR", {0x9b, 1, 2, 3, 4, 0x1b, 0x1b});
  Bytes body = frame.pointer_to(cie);
  uint64_t field = kSection + frame.bytes_.size() + 8;
  EhFrame::append(&body,
                  ElfBuilder::bytes_of(std::vector<uint32_t>{static_cast<uint32_t>(kText + 0x40 - field), 0x20}));
  EhFrame::append(&body, {4, 9, 9, 9, 9, 0x41, 0x0e, 16});  // four bytes of augmentation data: LSDA pointer
  frame.entry(body);
  CHECK_ROWS(frame.rows(), {{0, kGap}, {0x40, rsp(8)}, {0x41, rsp(16)}, {0x60, kGap}});
}

TEST(extended_lengths) {
  EhFrame frame;
  size_t cie = frame.cie();
  frame.fde(cie, 0x100, 0x10, {});
  Bytes body = ElfBuilder::bytes_of(std::vector<uint32_t>{static_cast<uint32_t>(frame.bytes_.size() + 12 - cie)});
  EhFrame::append(&body, ElfBuilder::bytes_of(std::vector<uint64_t>{kText + 0x200, 0x10}));
  EhFrame::append(&frame.bytes_, {0xff, 0xff, 0xff, 0xff, static_cast<uint8_t>(body.size()), 0, 0, 0, 0, 0, 0, 0});
  EhFrame::append(&frame.bytes_, body);
  CHECK_ROWS(frame.rows(), {{0, kGap}, {0x100, rsp(8)}, {0x110, kGap}, {0x200, rsp(8)}, {0x210, kGap}});
}

TEST(malformed_functions_have_no_rule) {
  for (const Bytes &instructions : {Bytes{0x3f}, Bytes{0x0b}, Bytes{0x0f, 100}, Bytes{0x02}, Bytes{0x41, 0x0e},
                                    Bytes{0x0f, 1, 0x77, 0x0e, 16}, Bytes{0x01, 0, 0, 0, 0, 0, 0, 0, 0}}) {
    EhFrame frame;
    size_t cie = frame.cie();
    frame.fde(cie, 0x100, 0x10, instructions);
    frame.fde(cie, 0x200, 0x10, {});
    EhFrameStats stats;
    auto rows = frame.rows(&stats);
    CHECK_ROWS(rows, {{0, kGap}, {0x100, MP_CFA_NONE}, {0x110, kGap}, {0x200, rsp(8)}, {0x210, kGap}});
    CHECK_EQ(stats.skipped_fdes, 1u);
    CHECK_EQ(stats.fdes, 1u);
  }
}

TEST(malformed_entries_are_skipped) {
  EhFrame frame;
  size_t cie = frame.cie();
  frame.entry({0xff, 0xff, 0xff, 0x7f, 1, 2, 3, 4, 5, 6, 7, 8});  // CIE before the section
  frame.entry({4, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8});              // its own length field as CIE
  frame.entry({9});                                               // too short for an id
  frame.entry({1, 0, 0, 0});
  frame.fde(cie, uint64_t{0} - kText, 0x10, {});  // discarded by the linker: pc 0
  frame.fde(cie, 0x100, 0, {});                   // empty
  frame.fde(cie, uint64_t{1} - kText, 0x10, {});  // before the lowest address
  frame.fde(cie, uint64_t{1} << 32, 0x10, {});    // too far
  frame.fde(cie, 0x100, UINT64_MAX - 1, {});      // too long
  frame.fde(cie, 0x100, 0x10, {});
  EhFrame::append(&frame.bytes_, {0xf0, 0xff, 0xff, 0x7f, 0, 0});  // length leads out of the section
  EhFrameStats stats;
  CHECK_ROWS(frame.rows(&stats), {{0, kGap}, {0x100, rsp(8)}, {0x110, kGap}});
  CHECK_EQ(stats.fdes, 1u);
  CHECK_EQ(stats.skipped_fdes, 7u);
}

TEST(unsupported_rules_are_counted) {
  EhFrame frame;
  frame.fde(frame.cie(), 0x100, 0x10, {0x0d, 10, 0x41, 0x0d, 7, 0x41, 0x0f, 2, 0x77, 0});
  EhFrameStats stats;
  CHECK_ROWS(frame.rows(&stats),
             {{0, kGap}, {0x100, MP_CFA_NONE}, {0x101, rsp(8)}, {0x102, MP_CFA_NONE}, {0x110, kGap}});
  CHECK_EQ(stats.unsupported_rules, 2u);
}

TEST(the_zero_length_ends_the_section) {
  EhFrame frame;
  size_t cie = frame.cie();
  frame.fde(cie, 0x100, 0x10, {});
  EhFrame::append(&frame.bytes_, {0, 0, 0, 0});
  frame.fde(cie, 0x200, 0x10, {});
  CHECK_ROWS(frame.rows(), {{0, kGap}, {0x100, rsp(8)}, {0x110, kGap}});
}

TEST(no_section_no_rows) {
  Bytes image = ElfBuilder().build();
  std::string error;
  CHECK_EQ(build_unwind_rows(*ElfFile::from_memory(image.data(), image.size(), &error), nullptr).size(), 0u);
  CHECK_EQ(EhFrame().rows().size(), 0u);
}

TEST(section_is_found_by_its_search_table) {
  EhFrame frame;
  frame.fde(frame.cie(), 0x100, 0x10, {});
  ElfBuilder builder;
  builder.add_segment({PT_LOAD, PF_R | PF_X, kText}, Bytes(0x1000, 0x90));
  builder.add_segment({PT_LOAD, PF_R, kSection}, frame.bytes_);
  Bytes header = {1, 0x1b, 0xff, 0xff};
  uint64_t field = kSection + 0x10004;
  EhFrame::append(&header, ElfBuilder::bytes_of(std::vector<uint32_t>{static_cast<uint32_t>(kSection - field)}));
  builder.add_segment({PT_GNU_EH_FRAME, PF_R, kSection + 0x10000}, header);
  Bytes image = builder.build();
  std::string error;
  auto rows = build_unwind_rows(*ElfFile::from_memory(image.data(), image.size(), &error), nullptr);
  CHECK_ROWS(rows, {{0, kGap}, {0x100, rsp(8)}, {0x110, kGap}});
}
