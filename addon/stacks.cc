#include "stacks.h"

namespace mp {
namespace {

const char *stack_status_name(uint32_t status) {
  switch (status) {
    case MP_STACK_COMPLETE:
      return "complete";
    case MP_STACK_TRUNCATED:
      return "truncated";
    case MP_STACK_UNWINDER_BUSY:
      return "missing";
    default:
      return "incomplete";
  }
}

// FNV-1a over words, mixed at the end. Never compared by content: 64 bits are enough to tell stacks apart.
uint64_t hash_stack(const char *status, const std::vector<uint32_t> &locations) {
  uint64_t hash = 0xcbf29ce484222325ull;
  const auto mix = [&](uint64_t word) { hash = (hash ^ word) * 0x100000001b3ull; };
  for (const char *c = status; *c; c++) mix(static_cast<unsigned char>(*c));
  for (uint32_t location : locations) mix(location + 0x100ull);
  hash ^= hash >> 32;
  return hash * 0x9E3779B97F4A7C15ull;
}

// An allocator maps and unmaps memory for itself. Within malloc BPF knows that; within free, which has no return probe,
// only the stack tells.
void classify_caller(const Process &process, const mp_event_stack &event, const uint64_t *frames, KnownStack &stack) {
  const MappedModule *caller = event.frame_count ? Targets::find_mapping(process, frames[0] - 1) : nullptr;
  if (!caller || !caller->module || caller->module->allocators.empty()) return;
  stack.is_allocators = true;
  for (uint32_t i = 0; i < event.frame_count; i++) {
    const uint64_t address = frames[i] - 1;
    if (address < caller->start || address >= caller->end) return;
    for (const auto &[begin, end] : caller->module->deallocator_code)
      if (address - caller->bias >= begin && address - caller->bias < end) stack.is_inside_free = true;
  }
}

}  // namespace

uint32_t Stacks::index_of(const char *status, std::vector<uint32_t> locations, Batch &batch) {
  const uint32_t next = indexes_.size();
  const auto [entry, inserted] = indexes_.try_emplace(hash_stack(status, locations), next);
  if (inserted) batch.stacks.push_back({next, status, std::move(locations)});
  return entry->second;
}

KnownStack Stacks::of_event(Process &process, uint64_t hash, const mp_event &event, Batch &batch) {
  if (!hash) return {index_of(stack_status_name(event.stack_status), {}, batch)};  // no walk took place
  if (const KnownStack *known = process.stacks.find(hash, event.time_ns)) return *known;
  return process.stacks.add(hash) = {index_of("missing", {}, batch), true};
}

void Stacks::add(Process &process, const mp_event_stack &event, const uint64_t *frames, Batch &batch) {
  const KnownStack *known = process.stacks.find(event.stack, event.event.time_ns);
  if (known && !known->is_lost) return;
  std::vector<uint32_t> locations;
  locations.reserve(event.frame_count);
  // a return address is behind its call: - 1 lies in it
  for (uint32_t i = 0; i < event.frame_count; i++) locations.push_back(location_of(process, frames[i] - 1, batch));
  KnownStack stack{index_of(stack_status_name(event.event.stack_status), std::move(locations), batch)};
  classify_caller(process, event, frames, stack);
  process.stacks.add(event.stack) = stack;
}

uint32_t Stacks::location_of(const Process &process, uint64_t address, Batch &batch) {
  const MappedModule *mapped = Targets::find_mapping(process, address);
  const bool known = mapped && mapped->module;
  const uint64_t module_address = known ? address - mapped->bias : address;
  // module in the upper 16 bits, address in the lower 48; no module has index 0xffff
  const uint64_t key =
      (known ? static_cast<uint64_t>(mapped->module->index) : 0xffffull) << 48 | (module_address & 0xffffffffffffull);
  const auto [entry, inserted] = locations_.try_emplace(key, static_cast<uint32_t>(location_modules_.size()));
  if (inserted) {
    location_modules_.push_back(known ? static_cast<int64_t>(mapped->module->index) : -1);
    if (known)
      symbolizer_.request({entry->second, mapped->module->index, module_address});
    else
      batch.symbols.push_back({entry->second, {SymbolFrame{}}});
  }
  return entry->second;
}

}  // namespace mp
