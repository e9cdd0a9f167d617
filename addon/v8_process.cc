#include "v8_process.h"

#include <string_view>
#include <utility>

namespace mp {
namespace {

// v8::internal::Heap::SetUpSpaces(LinearAllocationArea &, LinearAllocationArea &), in 10.2 with pointers, follows
// Isolate::MaybeRemapEmbeddedBuiltinsIntoCodeRange in Isolate::Init (src/execution/isolate.cc).
constexpr const char *kSetUp[] = {
    "_ZN2v88internal4Heap11SetUpSpacesERNS0_20LinearAllocationAreaES3_",
    "_ZN2v88internal4Heap11SetUpSpacesEPNS0_20LinearAllocationAreaES3_",
};
constexpr const char *kTearDown[] = {"_ZN2v88internal4Heap8TearDownEv"};

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = c | 0x20;
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// Modules have their URL as name (url.fileURLToPath of Node).
std::string path_of(const std::string &script) {
  constexpr std::string_view kScheme = "file://";
  if (script.compare(0, kScheme.size(), kScheme) != 0) return script;
  std::string path;
  for (size_t i = kScheme.size(); i < script.size(); i++) {
    const bool is_escape =
        script[i] == '%' && i + 2 < script.size() && hex_digit(script[i + 1]) >= 0 && hex_digit(script[i + 2]) >= 0;
    path += is_escape ? static_cast<char>(hex_digit(script[i + 1]) * 16 + hex_digit(script[i + 2])) : script[i];
    if (is_escape) i += 2;
  }
  return path;
}

template <size_t kCount>
uint64_t find_any(const ElfFile &elf, const char *const (&names)[kCount]) {
  for (const char *name : names)
    if (const auto function = elf.find_function(name)) return function->address;
  return 0;
}

}  // namespace

std::optional<V8Module> find_v8_module(const ElfFile &elf) {
  auto image = find_v8(elf);
  if (!image) return std::nullopt;
  V8Module module{std::move(*image), std::nullopt};
  module.set_up = find_any(elf, kSetUp);
  module.tear_down = find_any(elf, kTearDown);
  const bool has_probes =
      module.image.collection_begin && module.image.collection_end && module.image.heap_end && module.set_up;
  if (module.image.unsupported.empty() && !has_probes)
    module.image.unsupported = "the functions of V8 " + module.image.version +
                               " that say when its objects move were not found: its stacks show native frames only";
  if (module.image.unsupported.empty()) module.code = find_v8_code_layout(elf, module.image.major, module.image.minor);
  return module;
}

V8Process::V8Process(const V8Module &module, MemoryReader reader) : objects_(module.image.layout, std::move(reader)) {
  if (module.code) code_.emplace(objects_.memory(), *module.code);
}

std::vector<SymbolFrame> V8Process::symbols(uint64_t place, uint64_t shared) {
  std::vector<V8Activation> activations;
  if (MP_V8_IS_INTERPRETED(place)) {
    activations = {{shared, MP_V8_PLACE_ARRAY(place), byte_code_offset(MP_V8_PLACE_OFFSET(place))}};
  } else if (code_) {
    activations = code_->activations(0, place, shared).activations;
  }
  if (activations.empty()) activations = {{shared, 0, kUnknownV8Offset}};
  std::vector<SymbolFrame> symbols;
  for (const V8Activation &activation : activations)
    if (auto symbol = symbol_of(activation)) symbols.push_back(std::move(*symbol));
  for (size_t i = 0; i + 1 < symbols.size(); i++) symbols[i].inlined = true;
  return symbols;
}

uint32_t V8Process::byte_code_offset(uint64_t of_tagged_array) const {
  if (of_tagged_array == MP_V8_NO_OFFSET) return kUnknownV8Offset;
  const uint64_t slot = of_tagged_array << objects_.memory().layout().tags.smi_shift;
  return objects_.byte_code_offset(slot).value_or(kUnknownV8Offset);
}

// The line of the call; where V8 has no table of positions, the line on which the function begins.
std::optional<SymbolFrame> V8Process::symbol_of(const V8Activation &activation) {
  auto function = objects_.function(activation.shared);
  // young strings, as names may be, are moved by other collections, too
  for (uint32_t attempt = 1; !function && attempt < kAttempts; attempt++) {
    objects_.forget();
    function = objects_.function(activation.shared);
  }
  if (!function) return std::nullopt;
  SymbolFrame symbol;
  symbol.language = "javascript";
  symbol.function = function->name;
  symbol.file = path_of(function->script);
  if (function->script_object == 0) return symbol;
  std::optional<uint32_t> position;
  if (activation.byte_code_array && activation.byte_code_offset != kUnknownV8Offset)
    position = objects_.position(activation.byte_code_array, activation.byte_code_offset);
  const auto location = objects_.location(function->script_object, position.value_or(function->start_position));
  if (location) symbol.line = location->line;
  return symbol;
}

}  // namespace mp
