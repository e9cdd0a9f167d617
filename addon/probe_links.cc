#include "probe_links.h"

#include <cerrno>

#include "error.h"

namespace mp {
namespace {

constexpr size_t kMaxKept = 1024;  // modules

std::vector<UprobeSite> without_probe(const ProbeLinks &links, Program program, const std::vector<UprobeSite> &sites) {
  std::vector<UprobeSite> fresh;
  for (const UprobeSite &site : sites)
    if (!links.sites.count({program, site.file_offset})) fresh.push_back(site);
  return fresh;
}

// Probes of a file that is overwritten would go into the midst of other code. Package managers replace files.
bool is_of_package(const std::string &path) {
  for (const char *folder : {"/usr/bin/", "/usr/lib", "/usr/sbin/", "/bin/", "/lib", "/sbin/"})
    if (path.rfind(folder, 0) == 0) return true;
  return false;
}

void note_probes(ProbeLinks &links, Program program, const std::vector<UprobeSite> &sites) {
  for (const UprobeSite &site : sites) links.sites.emplace(program, site.file_offset);
}

}  // namespace

std::shared_ptr<ProbeLinks> ProbeLinker::links_of(uint32_t pid, const Module &module) {
  const Key key{shared_ ? 0 : pid, &module};
  if (closer_.is_idle()) closing_.clear();
  if (const auto live = live_.find(key); live != live_.end()) return live->second.lock();
  if (closing_.count(key)) {
    closer_.wait();
    closing_.clear();
  }
  std::shared_ptr<ProbeLinks> links(new ProbeLinks, [this, key](ProbeLinks *last) { let_go(key, last); });
  live_[key] = links;
  if (shared_ && is_of_package(module.path) && kept_.size() < kMaxKept) kept_[key] = links;
  return links;
}

void ProbeLinker::let_go(const Key &key, ProbeLinks *links) {
  live_.erase(key);
  closing_.insert(key);
  closer_.close(std::move(links->allocators));
  closer_.close(std::move(links->deallocators));
  delete links;
}

void ProbeLinker::attach_module(ProbeLinks &links, const ProbedFile &file, const Module &module) {
  attach_sites(links, file, Program::kLinkerState, module.linker_state);
  attach_sites(links, file, Program::kDeallocatorEntry, module.deallocators);
  attach_sites(links, file, Program::kMappingSyscall, module.mapping_calls);
  attach_allocators(links, file, module.allocators);
}

void ProbeLinker::attach_sites(ProbeLinks &links, const ProbedFile &file, Program program,
                               const std::vector<UprobeSite> &sites) {
  const auto fresh = without_probe(links, program, sites);
  if (fresh.empty()) return;
  if (loader_.probe_mode() == ProbeMode::kPerf)
    add_perf(links.deallocators, file, program, fresh, false);
  else
    add_multi(links.deallocators, file, program, fresh, kAttachUprobeMulti, false);
  note_probes(links, program, fresh);
}

void ProbeLinker::attach_allocators(ProbeLinks &links, const ProbedFile &file, const std::vector<UprobeSite> &sites) {
  const auto fresh = without_probe(links, Program::kAllocatorEntry, sites);
  if (fresh.empty()) return;
  // returns first: a call whose entry was seen has its return seen
  switch (loader_.probe_mode()) {
    case ProbeMode::kSession:
      add_multi(links.allocators, file, Program::kAllocatorSession, fresh, kAttachUprobeSession, false);
      break;
    case ProbeMode::kMulti:
      add_multi(links.allocators, file, Program::kAllocatorReturn, fresh, kAttachUprobeMulti, true);
      add_multi(links.allocators, file, Program::kAllocatorEntry, fresh, kAttachUprobeMulti, false);
      break;
    default:
      add_perf(links.allocators, file, Program::kAllocatorReturn, fresh, true);
      add_perf(links.allocators, file, Program::kAllocatorEntry, fresh, false);
  }
  note_probes(links, Program::kAllocatorEntry, fresh);
}

void ProbeLinker::add_multi(std::vector<UniqueFd> &to, const ProbedFile &file, Program program,
                            const std::vector<UprobeSite> &sites, uint32_t type, bool at_return) {
  UniqueFd link(
      create_uprobe_multi(loader_.program_fd(program), file.path, sites, shared_ ? 0 : file.pid, type, at_return));
  if (!link) throw Error("ATTACH", "cannot attach probes to " + file.path, errno);
  to.push_back(std::move(link));
}

void ProbeLinker::add_perf(std::vector<UniqueFd> &to, const ProbedFile &file, Program program,
                           const std::vector<UprobeSite> &sites, bool at_return) {
  for (const UprobeSite &site : sites)
    for (UniqueFd &fd :
         create_uprobe_perf(loader_.program_fd(program), file.path, site, shared_ ? 0 : file.pid, at_return))
      to.push_back(std::move(fd));
}

void ProbeLinker::stop() {
  std::vector<std::shared_ptr<ProbeLinks>> all;
  for (const auto &[key, links] : live_) all.push_back(links.lock());
  for (const auto &links : all) closer_.close(std::exchange(links->allocators, {}));
  closer_.wait();
  for (const auto &links : all) closer_.close(std::exchange(links->deallocators, {}));
  closer_.wait();
  kept_.clear();
}

}  // namespace mp
