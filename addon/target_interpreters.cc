// The interpreters in processes: where they are, and the probes on functions that only they have.
#include <algorithm>
#include <utility>

#include "insn.h"
#include "process_memory.h"
#include "targets.h"

namespace mp {
namespace {

constexpr size_t kDecodedBytes = 64;  // of a function, to find a place for a probe

}  // namespace

void Targets::find_interpreter(Process &process) {
  const MappedModule *interpreter = nullptr, *libc = nullptr;
  for (const MappedModule &mapped : process.mappings) {
    if (!mapped.module) continue;
    if (mapped.module->python && mapped.module->python->unsupported.empty()) interpreter = &mapped;
    if (mapped.module->tss_values) libc = &mapped;
  }
  if (!interpreter || !libc) return;
  PythonProcess &python = process.python;
  if (python.module == interpreter->module && python.bias == interpreter->bias) return;
  python = {interpreter->module, interpreter->bias};
  const PythonImage &image = *interpreter->module->python;
  mp_python layout = image.layout;
  if (image.current) layout.current_address = interpreter->bias + image.runtime + image.current;
  layout.tss_key_address = interpreter->bias + image.runtime + image.tss_key;
  layout.tss_values = *libc->module->tss_values;
  loader_.set_python(process.slot, layout);
}

void Targets::find_v8(Process &process) {
  for (const MappedModule &mapped : process.mappings) {
    if (!mapped.module || !mapped.module->v8) continue;
    if (process.v8_module == mapped.module) return;
    const int pid = process.pid;
    process.v8_module = mapped.module;
    if (!mapped.module->v8->image.unsupported.empty()) return;
    process.v8 = std::make_unique<V8Process>(*mapped.module->v8, [pid](uint64_t address, void *to, size_t size_bytes) {
      return read_memory(pid, address, to, size_bytes);
    });
    loader_.set_v8(process.slot, {0, 0, mapped.module->v8->image.layout.function_shared, 0, 0});
    return;
  }
}

uint64_t Targets::interpreter_address(const Process &process) {
  for (const MappedModule &mapped : process.mappings)
    if (mapped.module == process.v8_module)
      for (const auto &[before, end] : process.v8_module->v8->image.interpreted) return mapped.bias + before + 1;
  return 0;
}

// Collections are counted from before the first event with JavaScript frames on. libc is mapped later than the program.
void Targets::attach_v8(Process &process) {
  if (!process.v8) return;
  for (const MappedModule &mapped : process.mappings) {
    const bool is_v8 = mapped.module == process.v8_module, is_libc = mapped.module && mapped.module->tss_values;
    if (!(is_v8 || is_libc) || !process.v8_probed.insert(mapped.module).second) continue;
    const Module &module = *mapped.module;
    if (is_v8) {
      const V8Image &image = module.v8->image;
      attach_functions(process, mapped, Program::kV8Collection,
                       {image.collection_begin, image.collection_end, image.heap_end, image.invalidation},
                       MP_V8_COLLECTS);
      attach_functions(process, mapped, Program::kV8Life, {module.v8->set_up, module.v8->tear_down});
      attach_functions(process, mapped, Program::kV8Sample, {image.allocation_counter}, image.counter_paused);
      attach_functions(process, mapped, Program::kV8Sample, {image.large_allocation}, MP_V8_LARGE_OBJECT);
    } else if (const auto exit = module.elf->find_function("exit")) {
      attach_functions(process, mapped, Program::kV8Life, {exit->address}, 1);
    }
  }
}

// At the entry of functions; cookies count from `first_cookie` on.
void Targets::attach_functions(Process &process, const MappedModule &mapped, Program program,
                               const std::vector<uint64_t> &addresses, uint64_t first_cookie) {
  const auto links = process.links.find(mapped.module);
  if (links == process.links.end()) return;
  const ElfFile &elf = *mapped.module->elf;
  std::vector<UprobeSite> sites;
  for (const uint64_t address : addresses) {
    const uint64_t cookie = first_cookie++;
    const auto [code, size] = elf.bytes_at(address, kDecodedBytes);
    const auto offset = elf.file_offset(address);
    if (code && offset) sites.push_back({*offset + pick_entry_site(code, size).offset, cookie});
  }
  linker_.attach_sites(*links->second, {process.pid, map_files_path(process.pid, mapped.start, mapped.end)}, program,
                       sites);
}

// Their functions are found through pointers in the running process, which relocations fill in.
void Targets::attach_python(Process &process) {
  PythonProcess &python = process.python;
  const auto links = process.links.find(python.module);
  if (python.has_probes || links == process.links.end()) return;
  const auto mapped = std::find_if(process.mappings.begin(), process.mappings.end(),
                                   [&](const MappedModule &m) { return m.module == python.module; });
  if (mapped == process.mappings.end()) return;
  const auto destructor = find_code_destructor(mapped_python(process));
  const auto sites = allocator_sites(process);
  if (!destructor || !sites) return;
  python.has_probes = true;
  const ProbedFile file{process.pid, map_files_path(process.pid, mapped->start, mapped->end)};
  linker_.attach_sites(*links->second, file, Program::kPythonCodeFreed, {*destructor});
  linker_.attach_sites(*links->second, file, Program::kDeallocatorEntry, sites->deallocators);
  linker_.attach_allocators(*links->second, file, sites->allocators);
}

MappedPython Targets::mapped_python(const Process &process) {
  const PythonProcess &python = process.python;
  return {static_cast<int>(process.pid), *python.module->elf, *python.module->python, python.bias};
}

// Of a launched interpreter it is not known yet which allocator its objects come from. nullopt: not relocated yet.
std::optional<PythonAllocatorSites> Targets::allocator_sites(Process &process) {
  if (!trace_python_allocators_) return PythonAllocatorSites();
  const MappedPython python = mapped_python(process);
  auto objects = find_python_allocators(python, false);
  if (!objects) return std::nullopt;
  if (!process.launched) {
    process.python.refused = objects->refused;
    return objects;
  }
  process.python.depends_on_variable = !objects->refused.empty();
  const auto raw = find_python_allocators(python, true);
  if (!raw) return std::nullopt;
  for (const UprobeSite &site : raw->allocators) {
    const bool is_both = std::any_of(objects->allocators.begin(), objects->allocators.end(),
                                     [&](const UprobeSite &other) { return other.file_offset == site.file_offset; });
    if (!is_both) objects->allocators.push_back(site);
  }
  return objects;
}

bool Targets::take_untraced_objects(Process &process) {
  return std::exchange(process.python.depends_on_variable, false) && !has_raw_objects(mapped_python(process));
}

}  // namespace mp
