#include "targets.h"

#include <algorithm>
#include <utility>

#include "clock.h"
#include "error.h"

namespace mp {
namespace {

// Unmapped modules that are remembered: stacks from just before may still be in the ring.
constexpr size_t kMaxGone = 64;

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
  Process &added = add(std::move(process));
  // Probes that serve everybody may be there already: what they record needs tables.
  if (!linker_.is_shared()) admit(added);
  return added;
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
  Process &added = add(std::move(process));
  admit(added);
  return &added;
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
  return process;
}

void Targets::admit(Process &process) {
  if (!std::exchange(process.admitted, true)) loader_.set_process_slot(process.pid, process.slot);
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
          if (module->job_control) process.job_control = *bias + *module->job_control;
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
  admit(process);
  if (is_stopped_) return true;
  if (process.announced) close_unmapped(process);
  for (const auto &[module, path] : to_attach) {
    if (process.links.count(module)) continue;  // a module can have several executable mappings
    try {
      const auto links = linker_.links_of(process.pid, *module);
      linker_.attach_module(*links, {process.pid, path}, *module);
      process.links.emplace(module, links);
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
    entry = is_mapped ? std::next(entry) : process.links.erase(entry);
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
  loader_.set_process(process.slot, {process.pid, process.stack_seed, generation, flags, process.job_control});
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
  process.job_control = 0;
  process.python = {};
  process.v8_module = nullptr;
  process.v8.reset();
  process.v8_probed.clear();
}

void Targets::remove(uint32_t pid) {
  Process *process = find(pid);
  if (!process) return;
  loader_.clear_process_slot(pid);
  loader_.set_process(process->slot, {});
  free_slots_.push_back(process->slot);
  processes_.erase(pid);
}

void Targets::stop() {
  is_stopped_ = true;
  for (auto &[pid, process] : processes_) {
    process->hold = process->follow = false;
    update(*process, 0, MP_PROCESS_STALE);
  }
  linker_.stop();
}

void Targets::drop_links(Process &process) {
  if (linker_.is_shared()) return;  // bound to no thread
  process.links.clear();
  linker_.wait();
}

const MappedModule *Targets::find_mapping(const Process &process, uint64_t address) {
  for (const auto *list : {&process.mappings, &process.gone})
    for (const MappedModule &mapped : *list)
      if (address >= mapped.start && address < mapped.end) return &mapped;
  return nullptr;
}

}  // namespace mp
