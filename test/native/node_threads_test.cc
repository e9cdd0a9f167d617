// What Node's threads begin with, in the nodes of this machine.
#include "node_threads.h"

#include <set>
#include <string>

#include "check.h"
#include "elf_builder.h"
#include "node_process.h"

using namespace mp;

TEST(every_kind_of_thread_of_node) {
  if (nodes().empty()) SKIP("no node");
  for (const std::string &path : nodes()) {
    std::string error;
    const auto elf = ElfFile::open(path, &error);
    REQUIRE(elf != nullptr);
    std::set<std::string> names;
    for (const NodeThreadRoot &root : find_node_thread_roots(*elf)) {
      CHECK(root.begin < root.end);
      CHECK(names.insert(root.name).second);
    }
    CHECK(names == std::set<std::string>({"DelayedTaskScheduler", "V8Worker", "WorkerThread", "libuv-worker"}));
  }
}

TEST(a_file_that_is_not_node_has_none) {
  const auto file = ElfBuilder().build();
  std::string error;
  CHECK(find_node_thread_roots(*ElfFile::from_memory(file.data(), file.size(), &error)).empty());
}
