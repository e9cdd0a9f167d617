#include "v8_code_layout.h"

#include <string_view>

namespace mp {
namespace {

// ---- By version. Files are those of V8's sources ----
//
// Code, InstructionStream: CODE_FIELDS, CODE_DATA_FIELDS and ISTREAM_FIELDS in src/objects/code.h, from 12.4 on also
//   src/objects/instruction-stream.h
// kinds: src/objects/code-kind.h
// DeoptimizationData: src/objects/code.h, from 12.4 on src/objects/deoptimization-data.h
// safepoints: src/codegen/safepoint-table.h, src/codegen/maglev-safepoint-table.h
// opcodes: src/deoptimizer/translation-opcode.h

struct Version {
  unsigned opcode_count;  // kNumTranslationOpcodes
  V8CodeLayout layout;
};

Version version_10_2() {
  Version version{28, {}};
  V8CodeLayout &layout = version.layout;
  layout.stream = {kNoV8Offset, 128};
  layout.code = {kNoV8Offset, kNoV8Offset, 48, 40, 44, 16, 24};
  layout.kinds = {11, 12, 13};
  layout.deoptimization = {0, 2, 0, 11};
  layout.turbofan_safepoints = {0, 8, false};
  layout.maglev_safepoints = {0, 16, true};
  layout.translations = {{}, {3, 3}, {18, 18}, {19, 20}, false, false};
  return version;
}

Version version_11_3() {
  Version version = version_10_2();
  version.opcode_count = 36;
  version.layout.stream = {8, 16};
  version.layout.code = {32, 40, 48, 56, 60, 16, 24};
  version.layout.translations = {{}, {2, 3}, {23, 24}, {25, 26}, true, false};
  return version;
}

Version version_12_4() {
  Version version = version_11_3();
  version.opcode_count = 40;
  version.layout.stream = {8, 32};
  version.layout.code = {32, 40, 48, 52, 56, 8, 16};
  version.layout.kinds = {10, 11, 12};
  version.layout.translations = {{}, {12, 13}, {0, 1}, {2, 3}, true, false};
  return version;
}

// Safepoints begin with the number of stack slots from here on.
Version version_13_6() {
  Version version = version_12_4();
  version.opcode_count = 45;
  version.layout.code = {32, 40, 52, 56, 60, 8, 16};
  version.layout.deoptimization = {0, 3, 2, 12};
  version.layout.turbofan_safepoints = {4, 12, false};
  version.layout.maglev_safepoints = {4, 16, true};
  version.layout.translations = {{}, {14, 15}, {0, 1}, {2, 3}, true, true};
  return version;
}

std::optional<Version> find_version(int major, int minor) {
  if (major == 10 && minor == 2) return version_10_2();
  if (major == 11 && minor == 3) return version_11_3();
  if (major == 12 && minor == 4) return version_12_4();
  if (major == 13 && minor == 6) return version_13_6();
  return std::nullopt;
}

// ---- Tables in the file ----

// v8::internal::interpreter::Bytecodes::kBytecodeSizes: uint8 [scale][byte code]
constexpr std::string_view kByteCodeSizes = "_ZN2v88internal11interpreter9Bytecodes14kBytecodeSizesE";
// v8::internal::TranslationOpcodeOperandCount(v8::internal::TranslationOpcode)::counts: int32 [opcode]
constexpr std::string_view kOperandCounts =
    "_ZZN2v88internal29TranslationOpcodeOperandCountENS0_17TranslationOpcodeEE6counts";
constexpr size_t kMaxTableBytes = 4096;

// Empty if it isn't there whole.
V8Bytes bytes_of(const ElfFile &elf, const ElfSymbol &symbol) {
  if (symbol.size_bytes > kMaxTableBytes) return {};
  const auto [data, size_bytes] = elf.bytes_at(symbol.address, symbol.size_bytes);
  if (data == nullptr || size_bytes < symbol.size_bytes) return {};
  return V8Bytes(data, data + symbol.size_bytes);
}

}  // namespace

std::optional<V8CodeLayout> find_v8_code_layout(const ElfFile &elf, int major, int minor) {
  const auto version = find_version(major, minor);
  if (!version) return std::nullopt;
  V8CodeLayout layout = version->layout;
  V8Bytes sizes, counts;
  for (const ElfSymbol &symbol : elf.symbols(false)) {
    if (symbol.name == kByteCodeSizes) sizes = bytes_of(elf, symbol);
    if (symbol.name == kOperandCounts) counts = bytes_of(elf, symbol);
  }
  auto &by_scale = layout.byte_codes.by_scale;
  const size_t byte_code_count = sizes.size() / by_scale.size();
  if (byte_code_count == 0 || counts.size() != version->opcode_count * sizeof(int32_t)) return std::nullopt;
  for (size_t i = 0; i < by_scale.size(); i++) {
    const auto first = sizes.begin() + i * byte_code_count;
    by_scale[i].assign(first, first + byte_code_count);
  }
  for (size_t i = 0; i < counts.size(); i += sizeof(int32_t)) layout.translations.operand_counts.push_back(counts[i]);
  return layout;
}

}  // namespace mp
