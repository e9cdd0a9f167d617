#include "node_threads.h"

namespace mp {
namespace {

struct Root {
  const char *function;
  const char *name;
};

constexpr Root kRoots[] = {
    // the function that Worker::StartThread gives to uv_thread_create_ex, src/node_worker.cc
    {"_ZZN4node6worker6Worker11StartThreadERKN2v820FunctionCallbackInfoINS2_5ValueEEEENUlPvE_4_FUNES8_",
     "WorkerThread"},
    // src/node_platform.cc
    {"_ZN4node12_GLOBAL__N_1L20PlatformWorkerThreadEPv", "V8Worker"},
    {"_ZZN4node23WorkerThreadsTaskRunner20DelayedTaskScheduler5StartEvENUlPvE_4_FUNES2_", "DelayedTaskScheduler"},
};

// Of libuv's src/threadpool.c. The name of the first is not its own in a program; the second one follows it.
constexpr const char *kPoolThread = "worker", *kPoolCleanup = "uv__threadpool_cleanup";
constexpr const char *kPoolName = "libuv-worker";
constexpr uint64_t kPoolCodeBytes = 4096;

}  // namespace

std::vector<NodeThreadRoot> find_node_thread_roots(const ElfFile &elf) {
  std::vector<NodeThreadRoot> roots;
  if (!elf.find_function(kRoots[0].function)) return roots;
  const auto cleanup = elf.find_function(kPoolCleanup);
  for (const ElfSymbol &symbol : elf.symbols(true)) {
    const uint64_t end = symbol.address + symbol.size_bytes;
    for (const Root &known : kRoots)
      if (symbol.name == known.function) roots.push_back({symbol.address, end, known.name});
    const bool is_pool = cleanup && symbol.name == kPoolThread && symbol.address < cleanup->address &&
                         cleanup->address - symbol.address < kPoolCodeBytes;
    if (is_pool) roots.push_back({symbol.address, end, kPoolName});
  }
  return roots;
}

}  // namespace mp
