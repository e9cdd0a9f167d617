// Addresses to names, files and lines, off the hot path: a request is queued, one thread resolves it, the result is
// taken later.
//
//   add_module({3, "/usr/bin/app", "/proc/812/map_files/55d0c0000000-55d0c0004000", "/proc/812/root", "ab12…"})
//   request({location 17, module 3, address 0x1153})
//   take(100)  ->  {17, {{"grow(List&)", "/src/list.h", 12, inlined}, {"main", "/src/main.c", 30}}}
//
// add_module opens the file at once, since its path ends with the process; it is read when the first address of it is
// asked for. Each location is answered once, whatever happens: where nothing is known the answer is one empty frame.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "debug_file.h"
#include "dwarf.h"
#include "symbol_table.h"
#include "unique_fd.h"

namespace mp {

struct SymbolModule {
  uint32_t index;
  std::string path;       // within the target's mount namespace, as shown to the user
  std::string open_path;  // where the tracer can open it now: /proc/PID/map_files/… or a path of its own
  std::string root;       // where debug files are searched first: "" or /proc/PID/root
  std::string build_id;   // lower-case hex; "": unknown
};

struct SymbolRequest {
  uint32_t location;
  uint32_t module;
  uint64_t address;  // ELF address of the instruction: for a caller's frame the return address - 1
};

struct SymbolResult {
  uint32_t location;
  std::vector<SymbolFrame> frames;  // innermost inlined function first, the real function last; at least one
};

// What stays open of a module after its process has ended.
struct ModuleFiles {
  explicit ModuleFiles(const SymbolModule &module);

  UniqueFd file;
  SearchRoots roots;
};

// The names of one module. Used by one thread at a time.
class ModuleSymbols {
 public:
  // Never nullptr: a module that cannot be read has no names.
  static std::unique_ptr<ModuleSymbols> open(const SymbolModule &module);
  static std::unique_ptr<ModuleSymbols> open(const SymbolModule &module, const ModuleFiles &files);
  // Bytes of an ELF file, without separate debug files.
  static std::unique_ptr<ModuleSymbols> from_memory(const uint8_t *data, size_t size_bytes);

  // At least one frame; see SymbolResult.
  std::vector<SymbolFrame> resolve(uint64_t address);

 private:
  ModuleSymbols() = default;
  void load(const SearchRoots *roots, DebugFileQuery query);

  std::optional<OpenElf> elf_;
  std::optional<OpenElf> debug_;
  std::optional<SymbolTable> symbols_;
  std::unique_ptr<DwarfFile> dwarf_;
};

// Owns the thread. All functions may be called from any thread.
class Symbolizer {
 public:
  Symbolizer();
  // Drops what is not resolved yet.
  ~Symbolizer();
  Symbolizer(const Symbolizer &) = delete;
  Symbolizer &operator=(const Symbolizer &) = delete;

  // A later module of the same index replaces the earlier one for requests from then on.
  void add_module(SymbolModule module);
  void request(const SymbolRequest &request);
  // Up to `max` finished results, in the order of the requests; does not wait.
  std::vector<SymbolResult> take(size_t max);
  // Requested and not yet taken.
  size_t pending() const;

 private:
  struct Module {
    SymbolModule description;
    std::optional<ModuleFiles> files;  // until the symbols are read
    std::unique_ptr<ModuleSymbols> symbols;
  };
  struct Job {
    SymbolRequest request;
    std::shared_ptr<Module> module;  // nullptr: unknown
  };

  void run();
  static std::vector<SymbolFrame> resolve(const Job &job);

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool stop_ = false;
  std::unordered_map<uint32_t, std::shared_ptr<Module>> modules_;
  std::deque<Job> jobs_;
  std::deque<SymbolResult> results_;
  size_t pending_ = 0;
  std::thread thread_;
};

}  // namespace mp
