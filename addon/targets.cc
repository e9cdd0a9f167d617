#include "targets.h"

#include <algorithm>
#include <utility>

#include "clock.h"
#include "insn.h"
#include "process_memory.h"
#include "error.h"

namespace mp {
namespace {

// Unmapped modules that are remembered: stacks from just before may still be in the ring.
constexpr size_t kMaxGone = 64;

constexpr size_t kDecodedBytes = 64;  // of a function, to find a place for a probe

// The mapping of that range among `known`, else `mapped` as it is.
MappedModule same_range(const std::vector<MappedModule> &known, const MappedModule &mapped) {
  const auto found = std::find_if(known.begin(), known.end(), [&](const MappedModule &other) {
    return other.start == mapped.start && other.end == mapped.end;
  });
  return found == known.end() ? mapped : *found;
}

// The process ended or unmapped the module between the look at its mappings and the attempt to attach.
bool is_target_gone(const Error &error) {
  return error.error_number() == ENOENT || error.error_number() == ESRCH;
}

}  // namespace

Process &Targets::add(uint32_t pid, uint32_t index, bool launched, bool follow) {
  if (is_full()) throw Error("LIMIT", "more than " + std::to_string(MP_MAX_PROCESSES) + " processes at one time", 0);
  auto process = std::make_unique<Process>();
  process->pid = pid;
  process->index = index;
  process->launched = process->hold = launched;
  process->follow = follow;
  return add(std::move(process));
}

Process *Targets::add_child(const Process &parent, uint32_t pid, uint32_t index) {
  if (is_full()) {
    loader_.clear_process_slot(pid);
    return nullptr;
  }
  auto process = std::make_unique<Process>();
  process->pid = pid;
  process->index = index;
  process->launched = parent.launched;
  process->hold = process->follow = true;
  process->executable = parent.executable;
  process->command_line = parent.command_line;
  process->cgroup = parent.cgroup;
  process->runtime = parent.runtime;
  return &add(std::move(process));
}

Process &Targets::add(std::unique_ptr<Process> owned) {
  Process &process = *owned;
  if (free_slots_.empty()) {
    process.slot = next_slot_++;
  } else {
    process.slot = free_slots_.back();
    free_slots_.pop_back();
  }
  process.stack_seed = next_seed_++;
  processes_[process.pid] = std::move(owned);
  update(process, 0, MP_PROCESS_STALE);
  loader_.set_process_slot(process.pid, process.slot);
  return process;
}

Process *Targets::find(uint32_t pid) {
  const auto found = processes_.find(pid);
  return found == processes_.end() ? nullptr : found->second.get();
}

bool Targets::synchronize(Process &process) {
  const auto maps = read_proc_maps(process.pid);
  if (!maps) return false;
  std::vector<MappedModule> mappings;
  std::vector<std::pair<const Module *, std::string>> to_attach;
  for (const ProcMapping &mapping : *maps) {
    if (!mapping.executable || mapping.path == "[vsyscall]") continue;
    MappedModule mapped{mapping.start, mapping.end, 0, nullptr};
    if (mapping.inode) {
      Module *module = modules_.of_mapping(process.pid, mapping);
      // it may have ended since its mappings were listed
      if (!module) mapped = same_range(process.mappings, mapped);
      if (module && module->readable) {
        if (const auto bias = module->elf->load_bias(mapping.start, mapping.offset)) {
          mapped.module = module;
          mapped.bias = *bias;
          if (process.executable.empty()) process.executable = mapping.path;
          if (!process.links.count(module))
            to_attach.emplace_back(module, map_files_path(process.pid, mapping.start, mapping.end));
        }
      }
    }
    mappings.push_back(mapped);
  }
  bool unmapped = false;
  for (const MappedModule &old : process.mappings) {
    const bool kept = std::any_of(mappings.begin(), mappings.end(), [&](const MappedModule &now) {
      return now.start == old.start && now.end == old.end && now.module == old.module && now.bias == old.bias;
    });
    if (!kept) {
      // What V8 maps for code changes with every worker. Stacks through it have another hash with every end of a heap.
      const bool is_v8_code = process.v8 && (!old.module || old.module == process.v8_module);
      unmapped |= !is_v8_code;
      if (process.gone.size() >= kMaxGone) process.gone.erase(process.gone.begin());
      process.gone.push_back(old);
    }
  }
  process.mappings = std::move(mappings);
  publish(process, unmapped);
  if (process.announced) close_unmapped(process);
  for (const auto &[module, path] : to_attach) {
    if (process.links.count(module)) continue;  // a module can have several executable mappings
    if (process.closing.count(module)) {
      closer_.wait();
      process.closing.clear();
    }
    try {
      process.links.emplace(module, attach(process.pid, *module, path));
    } catch (const Error &error) {
      if (!is_target_gone(error)) throw;
    }
  }
  try {
    attach_python(process);
    attach_v8(process);
  } catch (const Error &error) {
    if (!is_target_gone(error)) throw;
  }
  return true;
}

// The file can be overwritten now, and probes would go into the midst of other code. A new image maps its libraries
// step by step: what it shares with the old one is known when it is announced.
void Targets::close_unmapped(Process &process) {
  for (auto entry = process.links.begin(); entry != process.links.end();) {
    const bool is_mapped = std::any_of(process.mappings.begin(), process.mappings.end(),
                                       [&](const MappedModule &mapped) { return mapped.module == entry->first; });
    if (is_mapped) {
      entry++;
      continue;
    }
    process.closing.insert(entry->first);
    close(entry->second);
    entry = process.links.erase(entry);
  }
}

void Targets::publish(Process &process, bool unmapped) {
  std::vector<mp_mapping> table;
  for (const MappedModule &mapped : process.mappings) {
    const bool has_rows = mapped.module && mapped.module->row_count;
    table.push_back({mapped.start, mapped.end, has_rows ? mapped.bias + mapped.module->lowest_address : 0,
                     has_rows ? mapped.module->index : MP_NO_MODULE, has_rows ? mapped.module->row_count : 0});
  }
  loader_.set_mappings(process.slot, table);
  find_interpreter(process);
  find_v8(process);
  // Only now the new generation: a rule that is cached under it was found in the new table.
  next_generation_ = next_generation_ % 0xffff + 1;
  if (unmapped) new_seed(process);
  update(process, next_generation_, 0);
}

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
    if (!(is_v8 || is_libc) || std::exchange(process.links[mapped.module].has_v8, true)) continue;
    const Module &module = *mapped.module;
    if (is_v8) {
      const V8Image &image = module.v8->image;
      attach_functions(process, module, Program::kV8Collection,
                       {image.collection_begin, image.collection_end, image.heap_end}, MP_V8_COLLECTS);
      attach_functions(process, module, Program::kV8Life, {module.v8->set_up, module.v8->tear_down});
      attach_functions(process, module, Program::kV8Sample, {image.allocation_counter}, image.counter_paused);
      attach_functions(process, module, Program::kV8Sample, {image.large_allocation}, MP_V8_LARGE_OBJECT);
    } else if (const auto exit = module.elf->find_function("exit")) {
      attach_functions(process, module, Program::kV8Life, {exit->address}, 1);
    }
  }
}

// At the entry of functions; cookies count from `first_cookie` on.
void Targets::attach_functions(Process &process, const Module &module, Program program,
                               const std::vector<uint64_t> &addresses, uint64_t first_cookie) {
  const auto mapped = std::find_if(process.mappings.begin(), process.mappings.end(),
                                   [&](const MappedModule &m) { return m.module == &module; });
  if (mapped == process.mappings.end()) return;
  std::vector<UprobeSite> sites;
  for (const uint64_t address : addresses) {
    const uint64_t cookie = first_cookie++;
    const auto [code, size] = module.elf->bytes_at(address, kDecodedBytes);
    const auto offset = module.elf->file_offset(address);
    if (code && offset) sites.push_back({*offset + pick_entry_site(code, size).offset, cookie});
  }
  attach_sites(process.pid, process.links[&module].deallocators, program,
               map_files_path(process.pid, mapped->start, mapped->end), sites);
}

// Their functions are found through pointers in the running process, which relocations fill in.
void Targets::attach_python(Process &process) {
  PythonProcess &python = process.python;
  if (!python.module || process.links[python.module].has_python) return;
  const auto mapped = std::find_if(process.mappings.begin(), process.mappings.end(),
                                   [&](const MappedModule &m) { return m.module == python.module; });
  if (mapped == process.mappings.end()) return;
  const auto destructor = find_code_destructor(mapped_python(process));
  const auto sites = allocator_sites(process);
  if (!destructor || !sites) return;
  const std::string path = map_files_path(process.pid, mapped->start, mapped->end);
  ProbeLinks &links = process.links[python.module];
  links.has_python = true;
  attach_sites(process.pid, links.deallocators, Program::kPythonCodeFreed, path, {*destructor});
  attach_sites(process.pid, links.deallocators, Program::kDeallocatorEntry, path, sites->deallocators);
  attach_allocators(process.pid, links.allocators, path, sites->allocators);
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

void Targets::new_seed(Process &process) {
  process.stack_seed = next_seed_++;
  process.stacks.new_seed(monotonic_ns());
  process.javascript_stacks.new_seed(monotonic_ns());
}

void Targets::update(const Process &process, uint32_t generation, uint32_t flags) {
  if (process.hold) flags |= MP_PROCESS_HOLD;
  if (process.follow) flags |= MP_PROCESS_FOLLOW;
  if (process.python.module) flags |= MP_PROCESS_PYTHON;
  if (process.v8_module) flags |= MP_PROCESS_V8;
  if (process.v8) flags |= MP_PROCESS_JAVASCRIPT;
  loader_.set_process(process.slot, {process.pid, process.stack_seed, generation, flags});
}

ProbeLinks Targets::attach(uint32_t pid, const Module &module, const std::string &path) {
  ProbeLinks links;
  attach_sites(pid, links.deallocators, Program::kLinkerState, path, module.linker_state);
  attach_sites(pid, links.deallocators, Program::kDeallocatorEntry, path, module.deallocators);
  attach_sites(pid, links.deallocators, Program::kMappingSyscall, path, module.mapping_calls);
  attach_allocators(pid, links.allocators, path, module.allocators);
  return links;
}

void Targets::attach_sites(uint32_t pid, std::vector<UniqueFd> &links, Program program, const std::string &path,
                           const std::vector<UprobeSite> &sites) {
  if (sites.empty()) return;
  if (loader_.probe_mode() == ProbeMode::kPerf) {
    for (const UprobeSite &site : sites)
      for (UniqueFd &fd : create_uprobe_perf(loader_.program_fd(program), path, site, pid, false))
        links.push_back(std::move(fd));
    return;
  }
  UniqueFd link(create_uprobe_multi(loader_.program_fd(program), path, sites, pid, kAttachUprobeMulti, false));
  if (!link) throw Error("ATTACH", "cannot attach probes to " + path, errno);
  links.push_back(std::move(link));
}

void Targets::attach_allocators(uint32_t pid, std::vector<UniqueFd> &links, const std::string &path,
                                const std::vector<UprobeSite> &sites) {
  if (sites.empty()) return;
  const auto add = [&](Program program, uint32_t type, bool at_return) {
    UniqueFd link(create_uprobe_multi(loader_.program_fd(program), path, sites, pid, type, at_return));
    if (!link) throw Error("ATTACH", "cannot attach probes to " + path, errno);
    links.push_back(std::move(link));
  };
  switch (loader_.probe_mode()) {
    case ProbeMode::kSession:
      return add(Program::kAllocatorSession, kAttachUprobeSession, false);
    case ProbeMode::kMulti:
      // returns first: a call whose entry was seen has its return seen
      add(Program::kAllocatorReturn, kAttachUprobeMulti, true);
      return add(Program::kAllocatorEntry, kAttachUprobeMulti, false);
    default:
      for (const UprobeSite &site : sites)
        for (const auto &[program, at_return] :
             {std::pair{Program::kAllocatorReturn, true}, std::pair{Program::kAllocatorEntry, false}})
          for (UniqueFd &fd : create_uprobe_perf(loader_.program_fd(program), path, site, pid, at_return))
            links.push_back(std::move(fd));
  }
}

void Targets::replace_image(Process &process, uint32_t index) {
  process.index = index;
  new_seed(process);
  process.announced = false;
  process.executable.clear();
  process.command_line.clear();
  process.cgroup.clear();
  process.runtime.clear();
  process.warning.clear();
  process.mappings.clear();
  process.gone.clear();
  process.python = {};
  process.v8_module = nullptr;
  process.v8.reset();
}

void Targets::remove(uint32_t pid) {
  Process *process = find(pid);
  if (!process) return;
  for (auto &[module, links] : process->links) close(links);
  loader_.clear_process_slot(pid);
  loader_.set_process(process->slot, {0, 0, 0, 0});
  free_slots_.push_back(process->slot);
  processes_.erase(pid);
}

void Targets::stop() {
  for (auto &[pid, process] : processes_) {
    process->hold = process->follow = false;
    update(*process, 0, MP_PROCESS_STALE);
  }
  for (auto &[pid, process] : processes_)
    for (auto &[module, links] : process->links) closer_.close(std::exchange(links.allocators, {}));
  closer_.wait();
  for (auto &[pid, process] : processes_) drop_links(*process, false);
  closer_.wait();
}

void Targets::close(ProbeLinks &links) {
  closer_.close(std::move(links.allocators));
  closer_.close(std::move(links.deallocators));
}

void Targets::drop_links(Process &process, bool wait) {
  for (auto &[module, links] : process.links) close(links);
  process.links.clear();
  if (wait) closer_.wait();
}

const MappedModule *Targets::find_mapping(const Process &process, uint64_t address) {
  for (const auto *list : {&process.mappings, &process.gone})
    for (const MappedModule &mapped : *list)
      if (address >= mapped.start && address < mapped.end) return &mapped;
  return nullptr;
}

}  // namespace mp
