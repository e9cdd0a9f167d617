#include "v8_deoptimization.h"

#include <algorithm>

#include "byte_reader.h"

namespace mp {
namespace {

// ---- Numbers of variable length (src/base/vlq.h of V8): ULEB128, of signed numbers with the sign in the lowest bit
// ----

uint32_t read_unsigned(ByteReader &reader) {
  return static_cast<uint32_t>(reader.uleb());
}

int32_t as_signed(uint32_t bits) {
  const auto magnitude = static_cast<int32_t>(bits >> 1);
  return (bits & 1) != 0 ? -magnitude : magnitude;
}

// ---- Byte codes, as BytecodeArrayIterator goes over them (src/interpreter/bytecode-array-iterator.h) ----

// Wide, ExtraWide, DebugBreakWide, DebugBreakExtraWide: prefixes that say that operands have twice, or four times, the
// size. They are the first of BYTECODE_LIST (src/interpreter/bytecodes.h).
constexpr uint8_t kPrefixes = 4;

// The offset behind the byte code at `offset`; nullopt if there is none.
std::optional<size_t> next_byte_code(const V8ByteCodeSizes &sizes, const V8Bytes &byte_codes, size_t offset) {
  if (offset >= byte_codes.size()) return std::nullopt;
  unsigned scale = 0;
  if (byte_codes[offset] < kPrefixes) {
    scale = 1 + byte_codes[offset] % 2;
    if (++offset >= byte_codes.size()) return std::nullopt;
  }
  const uint8_t byte_code = byte_codes[offset];
  if (byte_code < kPrefixes || byte_code >= sizes.by_scale[scale].size()) return std::nullopt;
  return offset + sizes.by_scale[scale][byte_code];
}

// ---- Safepoints ----

struct Safepoint {
  uint32_t pc;
  uint32_t deoptimization, trampoline;  // + 1; 0: none
};

// Entries of SafepointTable and MaglevSafepointTable: numbers of configured sizes.
class SafepointTable {
 public:
  static std::optional<SafepointTable> open(const V8SafepointFormat &format, const V8Bytes &bytes) {
    ByteReader header(bytes.data(), bytes.size());
    header.take(format.length_offset);
    SafepointTable table(bytes, format.header_bytes);
    table.length_ = header.read<uint32_t>();
    const auto configuration = header.read<uint32_t>();
    // HasDeoptDataField, RegisterIndexesSizeField, PcSizeField, DeoptIndexSizeField (src/codegen/safepoint-table.h)
    table.has_deoptimizations_ = (configuration & 1) != 0;
    const unsigned registers_bytes = configuration >> 1 & 7;
    table.pc_bytes_ = configuration >> 4 & 7;
    table.index_bytes_ = configuration >> 7 & 7;
    table.entry_bytes_ = table.pc_bytes_ + registers_bytes + (format.is_maglev ? 1 : 0) +
                         (table.has_deoptimizations_ ? table.pc_bytes_ + table.index_bytes_ : 0);
    if (!header.ok() || format.header_bytes > bytes.size()) return std::nullopt;
    if (std::max(table.pc_bytes_, table.index_bytes_) > sizeof(uint32_t) || table.entry_bytes_ == 0)
      return std::nullopt;
    if (table.length_ > (bytes.size() - format.header_bytes) / table.entry_bytes_) return std::nullopt;
    return table;
  }

  uint32_t length() const { return length_; }
  bool has_deoptimizations() const { return has_deoptimizations_; }

  Safepoint entry(uint32_t index) const {
    ByteReader reader(bytes_.data() + header_bytes_ + size_t{index} * entry_bytes_, entry_bytes_);
    Safepoint safepoint{number(reader, pc_bytes_), 0, 0};
    if (has_deoptimizations_) {
      safepoint.deoptimization = number(reader, index_bytes_);
      safepoint.trampoline = number(reader, pc_bytes_);
    }
    return safepoint;
  }

 private:
  SafepointTable(const V8Bytes &bytes, size_t header_bytes) : bytes_(bytes), header_bytes_(header_bytes) {}

  static uint32_t number(ByteReader &reader, unsigned size_bytes) {
    uint32_t value = 0;
    for (unsigned i = 0; i < size_bytes; i++) value |= uint32_t{reader.read<uint8_t>()} << 8 * i;
    return value;
  }

  const V8Bytes &bytes_;
  size_t header_bytes_;
  uint32_t length_ = 0;
  unsigned pc_bytes_ = 0, index_bytes_ = 0, entry_bytes_ = 0;
  bool has_deoptimizations_ = false;
};

// MaglevSafepointTable::FindEntry (src/codegen/maglev-safepoint-table.cc): there are entries of some calls only.
uint32_t find_in_maglev(const SafepointTable &table, uint32_t pc_offset) {
  uint32_t found = 0;
  for (uint32_t i = 0; i < table.length(); i++) {
    const Safepoint safepoint = table.entry(i);
    if (safepoint.trampoline == pc_offset + 1) return safepoint.deoptimization;
    if (safepoint.pc == pc_offset && found == 0) found = safepoint.deoptimization;
  }
  return found;
}

// SafepointTable::FindEntry (src/codegen/safepoint-table.cc): entries are sorted, and equal ones in a row are one.
// Trampolines are behind all of the calls.
uint32_t find_in_turbofan(const SafepointTable &table, uint32_t pc_offset) {
  uint32_t at_call = 0, at_trampoline = 0;
  for (uint32_t i = 0; i < table.length(); i++) {
    const Safepoint safepoint = table.entry(i);
    if (safepoint.pc <= pc_offset) at_call = safepoint.deoptimization;
    if (safepoint.trampoline != 0 && safepoint.trampoline - 1 <= pc_offset) at_trampoline = safepoint.deoptimization;
  }
  return at_trampoline != 0 ? at_trampoline : at_call;
}

// ---- Translations ----

bool is_one_of(uint8_t opcode, const std::array<uint8_t, 2> &first_and_last) {
  return opcode >= first_and_last[0] && opcode <= first_and_last[1];
}

struct Instruction {
  uint8_t opcode;
  std::array<uint32_t, 3> operands;  // the first ones, as they are encoded
};

// Reads one translation as DeoptimizationFrameTranslation::Iterator does (src/objects/deoptimization-data.cc; 11.3:
// TranslationArrayIterator, src/deoptimizer/translation-array.cc). `BEGIN distance ...` names an earlier translation;
// `MATCH n` stands for the n instructions that are there at the same place.
class Translation {
 public:
  Translation(const V8TranslationFormat &format, const V8Bytes &bytes, size_t index)
      : format_(format), bytes_(bytes), index_(index), reader_(from(index)), earlier_(from(bytes.size())) {}

  // The instruction that it begins with.
  std::optional<Instruction> begin() {
    const auto begin = read(reader_);
    if (!begin || !is_begin(*begin)) return std::nullopt;
    const uint32_t distance = format_.has_matches ? begin->operands[0] : 0;
    if (distance > index_) return std::nullopt;
    if (distance != 0) {
      earlier_ = from(index_ - distance);
      const auto earlier_begin = read(earlier_);
      if (!earlier_begin || !is_begin(*earlier_begin)) return std::nullopt;
    }
    return begin;
  }

  // nullopt at the end, or if something is wrong.
  std::optional<Instruction> next() {
    if (matches_ == 0 && format_.has_matches) matches_ = read_match();
    if (matches_ == 0) {
      skipped_++;
      return known(read(reader_));
    }
    matches_--;
    for (; skipped_ > 0; skipped_--)
      if (!read(earlier_)) return std::nullopt;
    return known(read(earlier_));
  }

 private:
  ByteReader from(size_t index) const { return ByteReader(bytes_.data() + index, bytes_.size() - index); }
  bool is_begin(const Instruction &instruction) const { return is_one_of(instruction.opcode, format_.begin); }
  std::optional<Instruction> known(const std::optional<Instruction> &instruction) const {
    return instruction && !is_begin(*instruction) ? instruction : std::nullopt;
  }

  // How many instructions come from the earlier translation: of an opcode with one operand, or of a byte that is no
  // opcode, from which the number of opcodes is subtracted.
  uint32_t read_match() {
    const size_t opcodes = format_.operand_counts.size();
    if (reader_.at_end() || *reader_.data() + 1u < opcodes) return 0;
    const auto byte = reader_.read<uint8_t>();
    return byte >= opcodes ? static_cast<uint32_t>(byte - opcodes) : read_unsigned(reader_);
  }

  std::optional<Instruction> read(ByteReader &reader) const {
    // 10.2 writes opcodes as signed numbers, which they are not.
    const uint32_t opcode = format_.has_matches ? reader.read<uint8_t>() : read_unsigned(reader) >> 1;
    if (!reader.ok() || opcode >= format_.operand_counts.size()) return std::nullopt;
    Instruction instruction{static_cast<uint8_t>(opcode), {}};
    for (unsigned i = 0; i < format_.operand_counts[opcode]; i++) {
      const uint32_t operand = read_unsigned(reader);
      if (i < instruction.operands.size()) instruction.operands[i] = operand;
    }
    return reader.ok() ? std::make_optional(instruction) : std::nullopt;
  }

  const V8TranslationFormat &format_;
  const V8Bytes &bytes_;
  size_t index_;
  ByteReader reader_, earlier_;
  uint32_t matches_ = 0;  // that are still to come
  uint32_t skipped_ = 0;  // instructions of the earlier translation that have no match
};

// Operands of a frame: the byte code offset, the function, and, if interpreted, the byte code array (13.6).
std::optional<V8TranslatedFrame> translated_frame(const V8TranslationFormat &format, const Instruction &instruction) {
  const bool is_interpreted = is_one_of(instruction.opcode, format.interpreted);
  const int32_t offset = as_signed(instruction.operands[0]);
  const int32_t function = as_signed(instruction.operands[1]);
  const int32_t byte_code_array = format.has_byte_code_array ? as_signed(instruction.operands[2]) : 0;
  // kFunctionEntryBytecodeOffset is -1, and the offset of a builtin is its number.
  if (offset < -1 || function < 0 || (is_interpreted && byte_code_array < 0)) return std::nullopt;
  return V8TranslatedFrame{is_interpreted, is_interpreted && offset > 0 ? offset : kV8FunctionEntry,
                           static_cast<uint32_t>(function),
                           is_interpreted ? static_cast<uint32_t>(byte_code_array) : 0};
}

}  // namespace

// Code::GetBytecodeOffsetForBaselinePC (src/objects/code-inl.h) and BytecodeOffsetIterator
// (src/baseline/bytecode-offset-iterator.h): bytes of machine code of the prologue, and of each byte code.
std::optional<uint32_t> baseline_byte_code_offset(const V8ByteCodeSizes &sizes, const V8Bytes &offset_table,
                                                  const V8Bytes &byte_codes, uint32_t pc_offset) {
  ByteReader reader(offset_table.data(), offset_table.size());
  uint64_t pc_end = read_unsigned(reader);
  if (reader.ok() && pc_offset <= pc_end) return kV8FunctionEntry;
  size_t byte_code = 0;
  for (;;) {
    pc_end += read_unsigned(reader);
    const auto next = next_byte_code(sizes, byte_codes, byte_code);
    if (!reader.ok() || !next) return std::nullopt;
    if (pc_offset <= pc_end) return static_cast<uint32_t>(byte_code);
    byte_code = *next;
  }
}

std::optional<uint32_t> deoptimization_index(const V8SafepointFormat &format, const V8Bytes &bytes,
                                             uint32_t pc_offset) {
  const auto table = SafepointTable::open(format, bytes);
  if (!table || !table->has_deoptimizations()) return std::nullopt;
  const uint32_t found = (format.is_maglev ? find_in_maglev : find_in_turbofan)(*table, pc_offset);
  return found != 0 ? std::make_optional(found - 1) : std::nullopt;
}

// OptimizedFrame::Summarize, OptimizedFrame::GetFunctions (src/execution/frames.cc): V8, too, takes the frames of
// functions and of JavaScript builtins. Frames are outermost first, and each is followed by what its registers hold.
std::vector<V8TranslatedFrame> translated_frames(const V8TranslationFormat &format, const V8Bytes &translations,
                                                 uint32_t index) {
  if (index >= translations.size()) return {};
  Translation translation(format, translations, index);
  const auto begin = translation.begin();
  if (!begin) return {};
  // BEGIN [distance], number of frames, number of JavaScript frames
  const int32_t count = as_signed(begin->operands[format.has_matches ? 2 : 1]);
  std::vector<V8TranslatedFrame> frames;
  while (static_cast<int64_t>(frames.size()) < count) {
    const auto instruction = translation.next();
    if (!instruction) return {};
    if (!is_one_of(instruction->opcode, format.interpreted) && !is_one_of(instruction->opcode, format.continuation))
      continue;
    const auto frame = translated_frame(format, *instruction);
    if (!frame) return {};
    frames.push_back(*frame);
  }
  std::reverse(frames.begin(), frames.end());
  return frames;
}

}  // namespace mp
