#include "eh_frame.h"

#include <algorithm>
#include <optional>
#include <unordered_map>

#include "byte_reader.h"
#include "cfi.h"

namespace mp {
namespace {

// 128 MB of rows; the largest binaries known have a tenth.
constexpr size_t kMaxRows = size_t{1} << 24;
constexpr uint32_t kExtendedLength = 0xffffffff;
constexpr uint8_t kPointerOmitted = 0xff;

// The rows of one FDE: rows[first_row .. end_row) for pcs start .. end, all relative to the lowest address.
struct Block {
  uint32_t start;
  uint64_t end;
  size_t first_row;
  size_t end_row;
};

struct Cie {
  CfiContext context;
  bool has_augmentation_data = false;
};

// A CIE or FDE: where its body starts, behind the length.
struct Entry {
  size_t body;
  size_t end;
};

class TableBuilder {
 public:
  TableBuilder(const ElfSection &section, uint64_t base, EhFrameStats *stats)
      : section_(section), base_(base), stats_(stats), out_{base, {}, 0} {
    // A row takes about six bytes of .eh_frame.
    out_.rows.reserve(std::min<size_t>(section.size_bytes / 6, kMaxRows));
  }

  std::vector<mp_unwind_row> build() {
    size_t at = 0;
    while (auto entry = entry_at(at)) {
      at = entry->end;
      ByteReader reader = reader_of(*entry);
      auto id = reader.read<uint32_t>();
      bool is_cie = reader.ok() && id == 0;
      if (!is_cie && !add_fde(*entry, id)) stats_->skipped_fdes++;
      if (out_.rows.size() >= kMaxRows) break;
    }
    return merge();
  }

  // Of what was built, sorted.
  std::vector<std::pair<uint64_t, uint64_t>> ranges() const {
    std::vector<std::pair<uint64_t, uint64_t>> ranges;
    for (const Block &block : blocks_) ranges.emplace_back(base_ + block.start, base_ + block.end);
    return ranges;
  }

 private:
  // nullopt at the terminating zero length, and where the length leads out of the section.
  std::optional<Entry> entry_at(size_t at) const {
    ByteReader reader(section_.data + at, section_.size_bytes - at);
    uint64_t length_bytes = reader.read<uint32_t>();
    if (length_bytes == kExtendedLength) length_bytes = reader.read<uint64_t>();
    if (!reader.ok() || length_bytes == 0 || length_bytes > reader.remaining()) return std::nullopt;
    size_t body = at + reader.position();
    return Entry{body, body + static_cast<size_t>(length_bytes)};
  }

  ByteReader reader_of(const Entry &entry) const {
    return ByteReader(section_.data + entry.body, entry.end - entry.body);
  }

  uint64_t address_in(const Entry &entry, const ByteReader &reader) const {
    return section_.address + entry.body + reader.position();
  }

  const Cie *cie_at(size_t at) {
    auto known = cies_.find(at);
    if (known == cies_.end()) known = cies_.emplace(at, parse_cie(at)).first;
    return known->second ? &*known->second : nullptr;
  }

  std::optional<Cie> parse_cie(size_t at) const {
    auto entry = entry_at(at);
    if (!entry) return std::nullopt;
    ByteReader reader = reader_of(*entry);
    if (reader.read<uint32_t>() != 0) return std::nullopt;
    Cie cie;
    auto version = reader.read<uint8_t>();
    std::string_view augmentation = reader.c_string();
    cie.context.code_alignment = reader.uleb();
    cie.context.data_alignment = reader.sleb();
    cie.context.return_register = version == 1 ? reader.read<uint8_t>() : reader.uleb();
    if (!reader.ok() || (version != 1 && version != 3)) return std::nullopt;
    if (!parse_augmentation(augmentation, *entry, &reader, &cie)) return std::nullopt;
    CfiState state;
    // The initial rules hold wherever the FDE begins: any range of one byte will do.
    CfiRange range{0, 1, address_in(*entry, reader)};
    if (!run_cfi(reader, cie.context, range, &state, nullptr)) return std::nullopt;
    cie.context.initial = state;
    return cie;
  }

  bool parse_augmentation(std::string_view letters, const Entry &entry, ByteReader *reader, Cie *cie) const {
    if (letters.empty()) return true;
    if (letters.front() != 'z') return false;
    cie->has_augmentation_data = true;
    uint64_t length_bytes = reader->uleb();
    uint64_t address = address_in(entry, *reader);
    ByteReader data = reader->take(length_bytes);
    uint64_t personality = 0;
    for (char letter : letters.substr(1)) {
      if (letter == 'R') {
        cie->context.pointer_encoding = data.read<uint8_t>();
      } else if (letter == 'L') {
        data.read<uint8_t>();
      } else if (letter == 'S') {
        cie->context.signal_frame = true;
      } else if (letter == 'P') {
        // Only its length matters, so that indirection (0x80) and base do not.
        uint8_t encoding = data.read<uint8_t>();
        if (!read_encoded_pointer(&data, encoding & 0x0f, address, &personality)) return false;
      } else {
        // What follows an unknown letter cannot be read; the length of it all is known.
        break;
      }
    }
    return reader->ok() && data.ok();
  }

  // false if the FDE is malformed. One that a linker has discarded (pc 0) or that is empty says nothing, rightly.
  bool add_fde(const Entry &entry, uint32_t cie_distance) {
    if (cie_distance > entry.body) return false;
    const Cie *cie = cie_at(entry.body - cie_distance);
    if (cie == nullptr) return false;
    ByteReader reader = reader_of(entry);
    reader.read<uint32_t>();
    uint8_t encoding = cie->context.pointer_encoding;
    uint64_t start = 0;
    uint64_t length_bytes = 0;
    if (encoding == kPointerOmitted) return false;
    if (!read_encoded_pointer(&reader, encoding, address_in(entry, reader), &start)) return false;
    if (!read_encoded_pointer(&reader, encoding & 0x0f, 0, &length_bytes)) return false;
    if (cie->has_augmentation_data) reader.take(reader.uleb());
    if (!reader.ok()) return false;
    if (start == 0 || length_bytes == 0) return true;
    if (start < base_ || start - base_ > UINT32_MAX || length_bytes > UINT32_MAX - (start - base_)) return false;
    return add_rows(*cie, reader, {start, start + length_bytes, address_in(entry, reader)});
  }

  bool add_rows(const Cie &cie, ByteReader instructions, const CfiRange &range) {
    std::vector<mp_unwind_row> &rows = out_.rows;
    size_t first_row = rows.size();
    size_t unsupported_rules = out_.unsupported_rules;
    CfiState state = cie.context.initial;
    auto start = static_cast<uint32_t>(range.start - base_);
    bool ok = run_cfi(instructions, cie.context, range, &state, &out_);
    if (!ok) {
      rows.resize(first_row);
      rows.push_back({start, MP_CFA_NONE});
      out_.unsupported_rules = unsupported_rules;
    }
    stats_->fdes += ok ? 1 : 0;
    blocks_.push_back({start, range.end - base_, first_row, rows.size()});
    return ok;
  }

  std::vector<mp_unwind_row> merge() {
    std::sort(blocks_.begin(), blocks_.end(),
              [](const Block &a, const Block &b) { return a.start != b.start ? a.start < b.start : a.end < b.end; });
    std::vector<mp_unwind_row> merged;
    if (blocks_.empty()) return merged;
    merged.reserve(out_.rows.size());
    uint64_t end = 0;
    for (const Block &block : blocks_) {
      if (block.end <= end) continue;
      if (block.start > end) append(&merged, end, MP_RULE_FRAME_POINTER);
      for (size_t i = block.first_row; i < block.end_row; i++) {
        uint64_t next = i + 1 < block.end_row ? out_.rows[i + 1].pc : block.end;
        if (next > end) append(&merged, std::max<uint64_t>(out_.rows[i].pc, end), out_.rows[i].rule);
      }
      end = block.end;
    }
    append(&merged, end, MP_RULE_FRAME_POINTER);
    stats_->rows = merged.size();
    stats_->unsupported_rules = out_.unsupported_rules;
    return merged;
  }

  static void append(std::vector<mp_unwind_row> *rows, uint64_t pc, uint32_t rule) {
    bool repeats = !rows->empty() && rows->back().rule == rule;
    if (!repeats && pc <= UINT32_MAX) rows->push_back({static_cast<uint32_t>(pc), rule});
  }

  const ElfSection section_;
  const uint64_t base_;
  EhFrameStats *stats_;
  std::unordered_map<size_t, std::optional<Cie>> cies_;
  CfiRows out_;
  std::vector<Block> blocks_;
};

// .eh_frame by its section header, or, in a file without those, by the pointer in .eh_frame_hdr (LSB, section 10.6.2).
std::optional<ElfSection> find_eh_frame(const ElfFile &elf) {
  if (auto section = elf.section(".eh_frame")) return section;
  auto header = elf.segment(PT_GNU_EH_FRAME);
  if (!header) return std::nullopt;
  ByteReader reader(header->data, header->size_bytes);
  auto version = reader.read<uint8_t>();
  auto encoding = reader.read<uint8_t>();
  reader.read<uint16_t>();  // encodings of the search table
  uint64_t address = 0;
  if (version != 1 || !read_encoded_pointer(&reader, encoding, header->address + reader.position(), &address)) {
    return std::nullopt;
  }
  auto [data, size_bytes] = elf.bytes_at(address, SIZE_MAX);
  if (data == nullptr) return std::nullopt;
  return ElfSection{data, size_bytes, address, elf.file_offset(address).value_or(0)};
}

}  // namespace

std::vector<mp_unwind_row> build_unwind_rows(const ElfFile &elf, EhFrameStats *stats) {
  EhFrameStats unused;
  if (stats == nullptr) stats = &unused;
  *stats = {};
  auto section = find_eh_frame(elf);
  if (!section) return {};
  return TableBuilder(*section, elf.lowest_address(), stats).build();
}

void mark_ranges(std::vector<mp_unwind_row> &rows, const std::vector<std::pair<uint64_t, uint64_t>> &ranges,
                 uint64_t lowest_address, uint32_t rule) {
  for (const auto &[first, second] : ranges) {
    if (first < lowest_address || second <= first || second - lowest_address > UINT32_MAX) continue;
    const auto begin = static_cast<uint32_t>(first - lowest_address),
               end = static_cast<uint32_t>(second - lowest_address);
    const auto behind = [&](uint32_t pc) {  // the first row that begins after pc
      return std::upper_bound(rows.begin(), rows.end(), pc,
                              [](uint32_t value, const mp_unwind_row &row) { return value < row.pc; });
    };
    auto next = behind(end);
    const uint32_t rule_at_end = next == rows.begin() ? uint32_t{MP_CFA_NONE} : std::prev(next)->rule;
    const auto first_covered = std::lower_bound(rows.begin(), rows.end(), begin,
                                                [](const mp_unwind_row &row, uint32_t pc) { return row.pc < pc; });
    next = rows.erase(first_covered, next);
    const mp_unwind_row marked[] = {{begin, rule}, {end, rule_at_end}};
    rows.insert(next, std::begin(marked), std::end(marked));
  }
}

std::vector<std::pair<uint64_t, uint64_t>> described_ranges(const ElfFile &elf) {
  auto section = find_eh_frame(elf);
  if (!section) return {};
  EhFrameStats unused = {};
  TableBuilder builder(*section, elf.lowest_address(), &unused);
  builder.build();
  return builder.ranges();
}

}  // namespace mp
