#include "targets.h"

#include <algorithm>

#include "error.h"

namespace mp {
namespace {

// Unmapped modules that are remembered: stacks from just before may still be in the ring.
constexpr size_t kMaxGone = 64;

}  // namespace

Targets::~Targets() {
  detach_all();
  for (std::thread &closer : closers_) closer.join();
}

Process &Targets::add(uint32_t pid, uint32_t index, bool hold) {
  if (free_slots_.empty() && next_slot_ >= MP_MAX_PROCESSES)
    throw Error("LIMIT", "more than " + std::to_string(MP_MAX_PROCESSES) + " processes at one time", 0);
  auto owned = std::make_unique<Process>();
  Process &process = *owned;
  process.pid = pid;
  process.index = index;
  process.hold = hold;
  if (free_slots_.empty()) {
    process.slot = next_slot_++;
  } else {
    process.slot = free_slots_.back();
    free_slots_.pop_back();
  }
  process.stack_seed = next_seed_++;
  processes_[pid] = std::move(owned);
  loader_.set_process(process.slot,
                      {pid, process.stack_seed, 0, (hold ? uint32_t{MP_PROCESS_HOLD} : 0u) | MP_PROCESS_STALE});
  loader_.set_process_slot(pid, process.slot);
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
      Module &module = modules_.of_mapping(process.pid, mapping);
      if (module.readable) {
        if (const auto bias = module.elf->load_bias(mapping.start, mapping.offset)) {
          mapped.module = &module;
          mapped.bias = *bias;
          if (process.executable.empty()) process.executable = mapping.path;
          if (!process.probed[&module]) to_attach.emplace_back(&module, map_files_path(process.pid, mapping));
          process.probed[&module] = true;
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
      unmapped = true;
      if (process.gone.size() >= kMaxGone) process.gone.erase(process.gone.begin());
      process.gone.push_back(old);
      if (old.module) process.probed.erase(old.module);
    }
  }
  process.mappings = std::move(mappings);
  publish(process, unmapped);
  for (const auto &[module, path] : to_attach) attach(process, *module, path);
  return true;
}

void Targets::publish(Process &process, bool unmapped) {
  std::vector<mp_mapping> table;
  for (const MappedModule &mapped : process.mappings) {
    const bool has_rows = mapped.module && mapped.module->row_count;
    table.push_back({mapped.start, mapped.end, has_rows ? mapped.bias + mapped.module->lowest_address : 0,
                     has_rows ? mapped.module->index : MP_NO_MODULE, has_rows ? mapped.module->row_count : 0});
  }
  loader_.set_mappings(process.slot, table);
  // Only now the new generation: a rule that is cached under it was found in the new table.
  next_generation_ = next_generation_ % 0xffff + 1;
  if (unmapped) process.stack_seed = next_seed_++;
  loader_.set_process(process.slot, {process.pid, process.stack_seed, next_generation_,
                                     process.hold ? static_cast<uint32_t>(MP_PROCESS_HOLD) : 0u});
}

void Targets::attach(Process &process, const Module &module, const std::string &path) {
  attach_sites(process, process.deallocator_links, Program::kLinkerState, path, module.linker_state);
  attach_sites(process, process.deallocator_links, Program::kDeallocatorEntry, path, module.deallocators);
  attach_sites(process, process.deallocator_links, Program::kMappingSyscall, path, module.mapping_calls);
  attach_allocators(process, path, module.allocators);
}

void Targets::attach_sites(Process &process, std::vector<UniqueFd> &links, Program program, const std::string &path,
                           const std::vector<UprobeSite> &sites) {
  if (sites.empty()) return;
  if (loader_.probe_mode() == ProbeMode::kPerf) {
    for (const UprobeSite &site : sites)
      for (UniqueFd &fd : create_uprobe_perf(loader_.program_fd(program), path, site, process.pid, false))
        links.push_back(std::move(fd));
    return;
  }
  UniqueFd link(create_uprobe_multi(loader_.program_fd(program), path, sites, process.pid, kAttachUprobeMulti, false));
  if (!link) throw Error("ATTACH", "cannot attach probes to " + path, errno);
  links.push_back(std::move(link));
}

void Targets::attach_allocators(Process &process, const std::string &path, const std::vector<UprobeSite> &sites) {
  if (sites.empty()) return;
  std::vector<UniqueFd> &links = process.allocator_links;
  const auto add = [&](Program program, uint32_t type, bool at_return) {
    UniqueFd link(create_uprobe_multi(loader_.program_fd(program), path, sites, process.pid, type, at_return));
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
          for (UniqueFd &fd : create_uprobe_perf(loader_.program_fd(program), path, site, process.pid, at_return))
            links.push_back(std::move(fd));
  }
}

void Targets::close_links(Process &process) {
  // Closing waits for the kernel's grace periods, 30 ms a link: not on the thread that drains the ring.
  closers_.emplace_back(
      [allocators = std::move(process.allocator_links), deallocators = std::move(process.deallocator_links)]() mutable {
        allocators.clear();
        deallocators.clear();
      });
  process.allocator_links.clear();
  process.deallocator_links.clear();
}

void Targets::replace_image(Process &process, uint32_t index) {
  close_links(process);
  process.index = index;
  process.stack_seed = next_seed_++;
  process.announced = false;
  process.executable.clear();
  process.warning.clear();
  process.mappings.clear();
  process.gone.clear();
  process.probed.clear();
}

void Targets::remove(uint32_t pid) {
  Process *process = find(pid);
  if (!process) return;
  close_links(*process);
  loader_.clear_process_slot(pid);
  loader_.set_process(process->slot, {0, 0, 0, 0});
  free_slots_.push_back(process->slot);
  processes_.erase(pid);
}

void Targets::detach_all() {
  for (auto &[pid, process] : processes_) {
    process->allocator_links.clear();
    process->deallocator_links.clear();
  }
}

const MappedModule *Targets::find_mapping(const Process &process, uint64_t address) {
  for (const auto *list : {&process.mappings, &process.gone})
    for (const MappedModule &mapped : *list)
      if (address >= mapped.start && address < mapped.end) return &mapped;
  return nullptr;
}

}  // namespace mp
