#include "python_layout.h"

#include <algorithm>
#include <cstring>
#include <set>
#include <string_view>

#include "eh_frame.h"
#include "x86_decode.h"

namespace mp {
namespace {

constexpr int kMinMinor = 8, kMaxMinor = 13;
constexpr uint16_t kNone = MP_PYTHON_NONE;

uint64_t word_at(const ElfFile &elf, uint64_t address) {
  uint64_t word = 0;
  const auto [bytes, size] = elf.bytes_at(address, sizeof(word));
  if (bytes && size == sizeof(word)) memcpy(&word, bytes, sizeof(word));
  return word;
}

// The minor version, of Py_Version (3.11 on: 0x030b02f0 is 3.11.2), else of the name of the library directory,
// "python3.9", which stands among the constants. 0: unknown.
int minor_version(const ElfFile &elf, uint64_t version_variable) {
  if (version_variable) {
    const uint32_t version = word_at(elf, version_variable);
    return version >> 24 == 3 ? version >> 16 & 0xff : 0;
  }
  const auto data = elf.section(".rodata");
  if (!data) return 0;
  const std::string_view text(reinterpret_cast<const char *>(data->data), data->size_bytes);
  constexpr std::string_view kName = "python3.";
  for (size_t at = text.find(kName); at != text.npos; at = text.find(kName, at + 1)) {
    int minor = 0;
    size_t i = at + kName.size();
    for (; i < text.size() && text[i] >= '0' && text[i] <= '9' && minor < 100; i++) minor = minor * 10 + text[i] - '0';
    if (i < text.size() && text[i] == '\0' && minor) return minor;
  }
  return 0;
}

// PyFrameObject, PyThreadState, PyCodeObject, _PyRuntimeState of 3.8, 3.9, 3.10.
PythonImage layout_until_3_10(int minor) {
  PythonImage image;
  image.tss_key = minor == 8 ? 1392 : 584;
  image.current = minor == 8 ? 1368 : 568;  // gilstate.tstate_current
  mp_python &layout = image.layout;
  layout.thread_id = 176;
  layout.thread_frame = 24;
  layout.c_frame_frame = kNone;
  layout.frame_code = 32;
  layout.frame_previous = 24;
  layout.frame_instruction = minor == 10 ? 96 : 104;
  layout.frame_entry = 0;
  layout.frame_size = 112;
  layout.window_size = layout.frame_size;
  layout.code_name = 112;
  layout.code_file = 104;
  layout.code_first_line = 40;
  layout.code_line_table = 120;
  layout.entry_kind = MP_PYTHON_ENTRY_EACH;
  layout.instruction_kind = minor == 10 ? MP_PYTHON_UNIT_INDEX : MP_PYTHON_BYTE_INDEX;
  return image;
}

// _PyInterpreterFrame and _PyCFrame of 3.11 and 3.12.
PythonImage layout_since_3_11(int minor) {
  const bool is_3_11 = minor == 11;
  PythonImage image;
  image.tss_key = is_3_11 ? 592 : 1544;
  image.current = is_3_11 ? 576 : 0;  // since 3.12 the key leads to the state that a thread runs in
  mp_python &layout = image.layout;
  layout.thread_id = is_3_11 ? 152 : 0;
  layout.thread_frame = 56;
  layout.c_frame_frame = is_3_11 ? 8 : 0;
  layout.frame_code = is_3_11 ? 32 : 0;
  layout.frame_previous = is_3_11 ? 48 : 8;
  layout.frame_instruction = 56;
  layout.frame_entry = is_3_11 ? 68 : 70;
  layout.frame_size = 72;
  layout.window_size = MP_STACK_WINDOW;
  layout.code_name = 128;
  layout.code_file = 112;
  layout.code_first_line = is_3_11 ? 72 : 68;
  layout.code_line_table = 136;
  layout.code_instructions = is_3_11 ? 184 : 192;
  layout.entry_kind = is_3_11 ? MP_PYTHON_ENTRY_FLAG : MP_PYTHON_ENTRY_SHIM;
  layout.instruction_kind = MP_PYTHON_ADDRESS;
  return image;
}

// Words of _Py_DebugOffsets of 3.13, counted from its beginning.
enum DebugOffset {
  kFreeThreaded = 2,  // behind the cookie and the version
  kThreadCurrentFrame = 3 + 3 + 13 + 4,
  kFrameSize = 3 + 3 + 13 + 9,
  kFramePrevious,
  kFrameExecutable,
  kFrameInstruction,
  kFrameLocals,
  kFrameOwner,
  kCodeSize,
  kCodeFile,
  kCodeName,
  kCodeQualifiedName,
  kCodeLineTable,
  kCodeFirstLine,
  kCodeArgumentCount,
  kCodeLocalsNames,
  kCodeLocalsKinds,
  kCodeInstructions,
};

// nullopt if the offsets are none that fit into what BPF reads.
std::optional<PythonImage> layout_of_debug_offsets(const ElfFile &elf, uint64_t runtime) {
  const auto offset = [&](DebugOffset index) { return word_at(elf, runtime + 8ull * index); };
  const auto [cookie, size] = elf.bytes_at(runtime, 8);
  if (!cookie || size < 8 || memcmp(cookie, "xdebugpy", 8) != 0 || offset(kFreeThreaded)) return std::nullopt;
  PythonImage image;
  image.tss_key = 2160;
  mp_python &layout = image.layout;
  const std::pair<uint16_t *, DebugOffset> fields[] = {
      {&layout.thread_frame, kThreadCurrentFrame},
      {&layout.frame_code, kFrameExecutable},
      {&layout.frame_previous, kFramePrevious},
      {&layout.frame_instruction, kFrameInstruction},
      {&layout.frame_entry, kFrameOwner},
      {&layout.code_name, kCodeQualifiedName},
      {&layout.code_file, kCodeFile},
      {&layout.code_first_line, kCodeFirstLine},
      {&layout.code_line_table, kCodeLineTable},
      {&layout.code_instructions, kCodeInstructions},
  };
  for (const auto &[field, index] : fields) {
    if (offset(index) > 4096) return std::nullopt;
    *field = offset(index);
  }
  const uint16_t last =
      std::max({layout.frame_code, layout.frame_previous, layout.frame_instruction, layout.frame_entry});
  layout.frame_size = (last & ~7) + 8;
  if (layout.frame_size > MP_PYTHON_MAX_FRAME) return std::nullopt;
  layout.c_frame_frame = kNone;
  layout.window_size = MP_STACK_WINDOW;
  layout.entry_kind = MP_PYTHON_ENTRY_SHIM;
  layout.instruction_kind = MP_PYTHON_ADDRESS;
  return image;
}

std::optional<PythonImage> layout_of(const ElfFile &elf, int minor, uint64_t runtime) {
  if (minor < kMinMinor || minor > kMaxMinor) return std::nullopt;
  if (minor <= 10) return layout_until_3_10(minor);
  if (minor <= 12) return layout_since_3_11(minor);
  return layout_of_debug_offsets(elf, runtime);
}

// Parts of a function that the compiler has moved away from it because they are seldom executed: it jumps into their
// midst, whereas other functions are jumped to at their beginning.
std::vector<std::pair<uint64_t, uint64_t>> cold_parts(const ElfFile &elf, uint64_t begin, uint64_t size_bytes) {
  const auto ranges = described_ranges(elf);
  const auto [code, size] = elf.bytes_at(begin, size_bytes);
  std::set<std::pair<uint64_t, uint64_t>> parts;
  for (size_t at = 0; code && at < size;) {
    const auto instruction = decode_instruction(code + at, size - at);
    if (!instruction) {
      at++;
      continue;
    }
    at += instruction->length_bytes;
    const bool jumps = instruction->flow == Flow::kConditional || instruction->flow == Flow::kJump;
    if (!jumps || !instruction->branch) continue;
    const uint64_t target = begin + at + *instruction->branch;
    if (target >= begin && target < begin + size) continue;
    const auto next = std::upper_bound(ranges.begin(), ranges.end(), std::pair{target, ~uint64_t{0}});
    if (next == ranges.begin()) continue;
    const auto &range = *std::prev(next);
    if (target > range.first && target < range.second) parts.insert(range);
  }
  return {parts.begin(), parts.end()};
}

}  // namespace

bool PythonImage::is_evaluation(uint64_t address) const {
  return std::any_of(evaluation.begin(), evaluation.end(),
                     [&](const auto &range) { return address >= range.first && address < range.second; });
}

std::optional<PythonImage> find_python(const ElfFile &elf) {
  const auto loop = elf.find_function("_PyEval_EvalFrameDefault");
  if (!loop) return std::nullopt;
  uint64_t runtime = 0, code_type = 0, version = 0;
  for (const ElfSymbol &symbol : elf.symbols(false)) {
    if (symbol.name == "_PyRuntime") runtime = symbol.address;
    if (symbol.name == "PyCode_Type") code_type = symbol.address;
    if (symbol.name == "Py_Version") version = symbol.address;
  }
  if (!runtime || !code_type) return std::nullopt;
  const int minor = minor_version(elf, version);
  PythonImage image;
  if (const auto known = layout_of(elf, minor, runtime))
    image = *known;
  else
    image.unsupported = "this version of Python" + (minor ? " (3." + std::to_string(minor) + ")" : "") +
                        " is not known to mp: its stacks show native frames only";
  image.minor = minor;
  image.runtime = runtime;
  image.code_type = code_type;
  image.evaluation = cold_parts(elf, loop->address, loop->size_bytes);
  image.evaluation.emplace_back(loop->address, loop->address + loop->size_bytes);
  image.layout.tss_key = MP_PYTHON_NO_KEY;
  return image;
}

std::optional<uint32_t> find_tss_values(const ElfFile &elf) {
  const auto function = elf.find_function("pthread_getspecific");
  if (!function) return std::nullopt;
  const auto [code, size] = elf.bytes_at(function->address, 64);
  // add $n, %rax; shl $4, %rax: element n of 16 bytes each, counted from the beginning of struct pthread
  for (size_t i = 0; code && i + 8 <= size; i++)
    if (!memcmp(code + i, "\x48\x83\xc0", 3) && !memcmp(code + i + 4, "\x48\xc1\xe0\x04", 4)) return code[i + 3] * 16u;
  return std::nullopt;
}

}  // namespace mp
