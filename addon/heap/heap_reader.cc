#include "heap_reader.h"

#include <unistd.h>

#include <array>
#include <fstream>

#include "../error.h"
#include "../python_layout.h"
#include "heap_arenas.h"

namespace mp {
namespace {

struct Interpreter {
  PythonImage image;
  uint64_t bias;
  std::vector<std::pair<uint64_t, uint64_t>> data;  // mappings of its file that hold no code, and what follows each
};

std::vector<std::pair<uint64_t, uint64_t>> data_of(const std::vector<ProcMapping> &maps, const std::string &path) {
  std::vector<std::pair<uint64_t, uint64_t>> ranges;
  uint64_t end = 0;  // of what was taken last: the rest of .bss follows
  for (const ProcMapping &mapping : maps) {
    const bool is_file = mapping.path == path;
    if (mapping.readable && !mapping.executable && (is_file || (mapping.path.empty() && mapping.start == end))) {
      ranges.emplace_back(mapping.start, mapping.end);
      end = mapping.end;
    }
  }
  return ranges;
}

// Where objects may be.
AddressRanges anonymous(const std::vector<ProcMapping> &maps) {
  AddressRanges ranges;
  for (const ProcMapping &mapping : maps)
    if (mapping.readable && !mapping.executable && mapping.inode == 0) ranges.emplace_back(mapping.start, mapping.end);
  return ranges;
}

// MemAvailable of /proc/meminfo; 0: unknown.
uint64_t available_memory() {
  std::ifstream file("/proc/meminfo");
  std::string name;
  for (uint64_t kilobytes; file >> name >> kilobytes; file.ignore(100, '\n'))
    if (name == "MemAvailable:") return kilobytes << 10;
  return 0;
}

// nullopt if no file that is mapped holds a CPython. Names come first that are likely.
std::optional<Interpreter> find_interpreter(HeapTarget &target) {
  const std::vector<ProcMapping> &maps = target.mappings();
  for (const bool likely : {true, false})
    for (const ProcMapping &mapping : maps) {
      const bool has_name = mapping.path.find("python") != std::string::npos;
      if (!mapping.executable || mapping.inode == 0 || has_name != likely) continue;
      const auto elf = target.open(mapping);
      auto image = elf ? find_python(*elf) : std::nullopt;
      const auto bias = image ? elf->load_bias(mapping.start, mapping.offset) : std::nullopt;
      if (bias) return Interpreter{std::move(*image), *bias, data_of(maps, mapping.path)};
    }
  return std::nullopt;
}

}  // namespace

HeapReader::HeapReader(std::unique_ptr<HeapTarget> target, const HeapOptions &options)
    : target_(std::move(target)), options_(options), memory_([this](uint64_t address, void *to, size_t size_bytes) {
        return target_->read(address, to, size_bytes);
      }) {
  const auto python = find_interpreter(*target_);
  if (!python) throw Error("UNSUPPORTED", target_->name() + " runs no CPython" + target_->hint(), 0);
  if (!python->image.unsupported.empty())
    throw Error("UNSUPPORTED", "Python 3." + std::to_string(python->image.minor) + " is not known to mp", 0);
  roots_.runtime = python->image.runtime + python->bias;
  const auto layout = layout_of_runtime(python->image.minor, memory_, roots_.runtime);
  if (!layout) throw Error("UNSUPPORTED", "the interpreter of " + target_->name() + " is not known to mp", 0);
  layout_ = *layout;
  data_ = python->data;
  objects_ = anonymous(target_->mappings());
  if (layout_.allocator == 0) roots_.arenas = find_arenas(layout_, memory_, data_, objects_).value_or(0);
}

// The lists of the garbage collector are whole between two collections; one seldom takes long.
void HeapReader::stop() {
  constexpr int kAttempts = 50;
  for (int attempt = 0; attempt < kAttempts; attempt++) {
    pause_ = target_->pause(options_.max_pause_ns);
    memory_.forget();
    if (!pause_ || !is_collecting(layout_, memory_, roots_.runtime)) return;
    pause_.reset();
    usleep(2000);
  }
  pause_ = target_->pause(options_.max_pause_ns);
  memory_.forget();
}

HeapSnapshot HeapReader::read() {
  memory_.forget();
  if (options_.pause) stop();
  types_ = std::make_unique<HeapTypes>(layout_, memory_);
  return read_heap(layout_, memory_, roots_, limits_within(available_memory()));
}

HeapFigures HeapReader::figures() {
  const auto read = [this](uint64_t address, void *to, size_t size_bytes) {
    return target_->read(address, to, size_bytes);
  };
  const auto scattered = [this](const std::vector<uint64_t> &addresses, void *to, size_t size_bytes) {
    return target_->read_scattered(addresses, to, size_bytes);
  };
  return read_figures(layout_, roots_, {read, scattered, data_, objects_});
}

uint64_t HeapReader::resume() {
  if (!pause_) return 0;
  const uint64_t lasted_ns = pause_->end();
  was_cut_ = pause_->was_cut();
  pause_.reset();
  return lasted_ns;
}

std::vector<HeapReader::Reference> HeapReader::references(uint64_t from, uint64_t to) {
  std::vector<Reference> references;
  const auto type_address = memory_.read<uint64_t>(from + kObjectType);
  const uint32_t index = type_address && types_ ? types_->find(*type_address) : HeapTypes::kNone;
  if (index == HeapTypes::kNone) return references;
  const HeapType &type = (*types_)[index];
  visit_references(layout_, memory_, from, type, [&](uint64_t target, ReferenceLabel label) {
    if (to != 0 && (target != to || !references.empty())) return;
    if (references.size() < kMaxReferences) references.push_back({target, label_text(type, label)});
  });
  return references;
}

std::string HeapReader::label_text(const HeapType &type, const ReferenceLabel &label) {
  std::string text;
  switch (label.kind) {
    case ReferenceLabel::kField:
      return text.append("+").append(std::to_string(label.value));
    case ReferenceLabel::kIndex:
      return text.append("[").append(std::to_string(label.value)).append("]");
    case ReferenceLabel::kKey:
      return "key";
    case ReferenceLabel::kValue:
      return text.append("[").append(describe(label.value)).append("]");
    case ReferenceLabel::kAttribute:
      return text.append(".").append(types_->text(label.value));
    case ReferenceLabel::kSlot:
      return text.append(".").append(type.slots[label.value].name);
    case ReferenceLabel::kDict:
      return ".__dict__";
    case ReferenceLabel::kClass:
      return ".__class__";
  }
  return text;
}

std::string HeapReader::describe(uint64_t object) {
  const auto words = memory_.read<std::array<uint64_t, 5>>(object);
  const uint32_t index = words && types_ ? types_->find((*words)[1]) : HeapTypes::kNone;
  if (index == HeapTypes::kNone) return "";
  const HeapType &type = (*types_)[index];
  if (type.kind == ObjectKind::kStr) return std::string("'").append(types_->text(object)).append("'");
  if (type.kind == ObjectKind::kType) {
    const uint32_t described = types_->find(object);
    return described == HeapTypes::kNone ? "" : (*types_)[described].name;
  }
  if (type.kind == ObjectKind::kInt) {  // of at most one digit
    const uint64_t size = layout_.minor <= 11 ? (*words)[2] : (*words)[2] >> 3;
    const bool is_negative = layout_.minor >= 12 && ((*words)[2] & 3) == 2;
    if (size > 1 && size != ~0ull) return "int";
    const uint64_t digit = size == 0 ? 0 : (*words)[3] & 0x3fffffff;
    return (is_negative || size == ~0ull ? "-" : "") + std::to_string(digit);
  }
  if (type.module != "builtins") return "";
  constexpr uint64_t kModuleName = 48;  // md_name
  if (type.name == "module") return types_->text(memory_.read<uint64_t>(object + kModuleName).value_or(0));
  if (type.name == "function")  // func_name: up to 3.9 behind func_defaults and others, from 3.10 behind func_builtins
    return types_->text(memory_.read<uint64_t>(object + (layout_.minor <= 9 ? 64 : 32)).value_or(0));
  return "";
}

}  // namespace mp
