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

// How often a function is read that can't be.
constexpr int kAttempts = 4;

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

void V8Process::add(const mp_event_v8_frames &event, const mp_v8_frame *frames) {
  if (pending_.size() >= kMaxPending) pending_.clear();
  pending_[event.stack] = {event.begun, event.ended, {frames, frames + event.count}};
}

std::optional<V8Slots> V8Process::take(uint64_t stack) {
  auto found = pending_.extract(stack);
  return found ? std::optional(std::move(found.mapped())) : std::nullopt;
}

bool V8Process::begins_generation(const V8Slots &slots) {
  if (slots.begun == begun_ && slots.ended == ended_) return false;
  known_.clear();
  begun_ = slots.begun;
  ended_ = slots.ended;
  return true;
}

V8FrameSymbols V8Process::symbols(const V8Slots &slots, const uint64_t *addresses, uint32_t count) {
  objects_.forget();
  V8FrameSymbols found;
  for (const mp_v8_frame &frame : slots.frames) {
    // a frame type is a Smi: the frame is none of a function
    if (frame.frame >= count || !objects_.memory().is_object(frame.context_or_frame_type)) continue;
    const auto &symbols = known_symbols_of(frame, addresses[frame.frame]);
    if (!symbols.empty()) found.emplace(frame.frame, symbols);
  }
  return found;
}

const std::vector<SymbolFrame> &V8Process::known_symbols_of(const mp_v8_frame &frame, uint64_t address) {
  const Place place = frame.is_interpreted ? Place{frame.byte_code_array, frame.byte_code_offset} : Place{address, 0};
  if (const auto known = known_.find(place); known != known_.end() && !known->second.empty()) return known->second;
  if (known_.size() >= kMaxKnown) known_.clear();
  return known_[place] = symbols_of(frame, address);
}

std::vector<SymbolFrame> V8Process::symbols_of(const mp_v8_frame &frame, uint64_t address) {
  std::vector<V8Activation> activations;
  if (frame.is_interpreted) {
    const auto offset = objects_.byte_code_offset(frame.byte_code_offset);
    activations = {{frame.shared, frame.byte_code_array, offset.value_or(kUnknownV8Offset)}};
  } else if (code_) {
    activations = code_->activations(frame.function, address, frame.shared).activations;
  }
  if (activations.empty()) activations = {{frame.shared, 0, kUnknownV8Offset}};
  std::vector<SymbolFrame> symbols;
  for (const V8Activation &activation : activations)
    if (auto symbol = symbol_of(activation)) symbols.push_back(std::move(*symbol));
  for (size_t i = 0; i + 1 < symbols.size(); i++) symbols[i].inlined = true;
  return symbols;
}

// The line of the call; where V8 has no table of positions, the line on which the function begins.
std::optional<SymbolFrame> V8Process::symbol_of(const V8Activation &activation) {
  auto function = objects_.function(activation.shared);
  // young strings, as names may be, are moved by other collections, too
  for (int attempt = 1; !function && attempt < kAttempts; attempt++) {
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
