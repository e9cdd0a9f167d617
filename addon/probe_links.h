// The probes in the modules of processes, and what keeps them alive.
//
// A link of the kernel is bound to one process: no other process has a breakpoint for it, and nobody who is not traced
// pays. But each further link at a place costs every hit some 90 ns, so where everybody is traced a module has one link
// for all processes: with 200 that share a C library a call would else take six times as long.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "link_closer.h"
#include "loader.h"
#include "modules.h"

namespace mp {

struct ProbeLinks {
  std::vector<UniqueFd> allocators;
  std::vector<UniqueFd> deallocators;
  std::set<std::pair<Program, uint64_t>> sites;  // file offsets that have the probe
};

// A module as it is mapped in a process.
struct ProbedFile {
  uint32_t pid;
  std::string path;  // in /proc/PID/map_files, whatever the process sees under its name
};

class ProbeLinker {
 public:
  ProbeLinker(Loader &loader, bool shared) : loader_(loader), shared_(shared) {}
  ~ProbeLinker() { stop(); }

  // Whether links serve every process that maps their module.
  bool is_shared() const { return shared_; }
  // Of a module in a process: new ones without probes, or those that others have already. The last to let them go has
  // them closed, in the background, unless they serve everybody and are of a file that nobody writes into.
  std::shared_ptr<ProbeLinks> links_of(uint32_t pid, const Module &module);
  // Only sites that have no such probe yet. Throw Error ATTACH.
  void attach_sites(ProbeLinks &links, const ProbedFile &file, Program program, const std::vector<UprobeSite> &sites);
  void attach_allocators(ProbeLinks &links, const ProbedFile &file, const std::vector<UprobeSite> &sites);
  // All that a module has by itself.
  void attach_module(ProbeLinks &links, const ProbedFile &file, const Module &module);
  // Returns when what was let go is closed.
  void wait() { closer_.wait(); }
  // Closes all of them, those on allocators first; returns when they are gone.
  void stop();

 private:
  using Key = std::pair<uint32_t, const Module *>;  // pid 0: of everybody

  void let_go(const Key &key, ProbeLinks *links);
  void add_multi(std::vector<UniqueFd> &to, const ProbedFile &file, Program program,
                 const std::vector<UprobeSite> &sites, uint32_t type, bool at_return);
  void add_perf(std::vector<UniqueFd> &to, const ProbedFile &file, Program program,
                const std::vector<UprobeSite> &sites, bool at_return);

  Loader &loader_;
  const bool shared_;
  // Of programs that come and go: to close a link and make it again takes longer than they run.
  std::map<Key, std::shared_ptr<ProbeLinks>> kept_;
  std::map<Key, std::weak_ptr<ProbeLinks>> live_;
  std::set<Key> closing_;  // new ones beside these would count twice
  LinkCloser closer_;
};

}  // namespace mp
