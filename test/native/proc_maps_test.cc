#include "proc_maps.h"

#include <unistd.h>

#include "check.h"

using namespace mp;

TEST(parses_a_line) {
  auto mappings =
      parse_proc_maps("7f0c1a026000-7f0c1a17b000 r-xp 00026000 fe:01 131119                     /usr/lib/libc.so.6\n");
  REQUIRE(mappings.size() == 1);
  const ProcMapping &mapping = mappings[0];
  CHECK_EQ(mapping.start, 0x7f0c1a026000u);
  CHECK_EQ(mapping.end, 0x7f0c1a17b000u);
  CHECK_EQ(mapping.offset, 0x26000u);
  CHECK(mapping.executable);
  CHECK_EQ(mapping.inode, 131119u);
  CHECK_EQ(mapping.dev_major, 0xfeu);
  CHECK_EQ(mapping.dev_minor, 1u);
  CHECK_EQ(mapping.path, "/usr/lib/libc.so.6");
  CHECK(!mapping.deleted);
}

TEST(parses_paths) {
  auto mappings = parse_proc_maps(
      "1000-2000 rw-p 00000000 00:00 0 \n"
      "2000-3000 rw-p 00000000 00:00 0                          [heap]\n"
      "3000-4000 r-xp 00000000 00:01 7                          /memfd:a b (deleted)\n"
      "4000-5000 r--s 00000000 08:01 8                          /tmp/a\\012b\\134\n"
      "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0  [vsyscall]");
  REQUIRE(mappings.size() == 5);
  CHECK_EQ(mappings[0].path, "");
  CHECK_EQ(mappings[1].path, "[heap]");
  CHECK_EQ(mappings[2].path, "/memfd:a b");
  CHECK(mappings[2].deleted);
  CHECK_EQ(mappings[3].path, "/tmp/a\nb\\134");
  CHECK(!mappings[3].executable);
  CHECK_EQ(mappings[4].path, "[vsyscall]");
  CHECK(mappings[4].executable);
}

TEST(leaves_out_malformed_lines) {
  for (const char *line :
       {"", "\n\n", "1000", "1000-", "1000-2000", "1000-2000 r-xp", "1000-2000 r-xp 0 0:0", "x-2000 r-xp 0 00:00 0",
        "2000-1000 r-xp 0 00:00 0 /a", "1000-2000 r-x 0 00:00 0 /a", "11112222333344445-2000 r-xp 0 00:00 0"}) {
    CHECK_EQ(parse_proc_maps(line).size(), 0u);
  }
}

TEST(reads_its_own_mappings) {
  auto mappings = read_proc_maps(getpid());
  REQUIRE(mappings.has_value());
  auto code = reinterpret_cast<uint64_t>(&parse_proc_maps);
  bool found = false;
  for (const ProcMapping &mapping : *mappings) {
    found |= mapping.executable && code >= mapping.start && code < mapping.end && mapping.path[0] == '/';
  }
  CHECK(found);
}

TEST(a_process_that_is_gone_has_none) {
  CHECK(!read_proc_maps(0x7ffffff0).has_value());
}
