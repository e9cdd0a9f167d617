#include "resident.h"

#include "check.h"

using namespace mp;

namespace {

constexpr uint64_t kMiB = 1 << 20;

ResidentMapping mapped(uint64_t start, uint64_t size, const char *flags, const char *path, uint64_t resident) {
  ProcMapping mapping{};
  mapping.start = start;
  mapping.end = start + size;
  mapping.readable = flags[0] == 'r';
  mapping.executable = flags[2] == 'x';
  mapping.shared = flags[3] == 's';
  mapping.path = path;
  mapping.inode = path[0] == '/' ? 7 : 0;
  return {mapping, resident};
}

ResidentHints none() {
  ResidentHints hints;
  hints.present = [](const AddressRange &) -> uint64_t { return 0; };
  return hints;
}

}  // namespace

TEST(every_mapping_is_of_one_kind_and_the_kinds_are_the_resident_set) {
  const std::vector<ResidentMapping> mappings = {
      mapped(0x400000, 4 * kMiB, "r-xp", "/usr/bin/app", 1),
      mapped(0x800000, 4 * kMiB, "rw-p", "/usr/bin/app", 2),
      mapped(0x1000000, 4 * kMiB, "rw-p", "[heap]", 4),
      mapped(0x2000000, 4 * kMiB, "rw-p", "", 8),
      mapped(0x3000000, 4 * kMiB, "rw-p", "[anon:name]", 16),
      mapped(0x4000000, 4 * kMiB, "rwxp", "", 32),
      mapped(0x5000000, 4 * kMiB, "rw-p", "[stack]", 64),
      mapped(0x6000000, 4 * kMiB, "rw-s", "/dev/zero", 128),
      mapped(0x7000000, 4 * kMiB, "rw-s", "", 256),
      mapped(0x8000000, 4 * kMiB, "r-xp", "[vdso]", 512),
      mapped(0x9000000, 64 * kMiB, "---p", "", 0),
  };
  const Resident resident = classify_resident(mappings, none());
  CHECK_EQ(resident.file, 1u + 2 + 512);
  CHECK_EQ(resident.brk, 4u);
  CHECK_EQ(resident.anonymous, 8u + 16);
  CHECK_EQ(resident.jit_code, 32u);
  CHECK_EQ(resident.stack, 64u);
  CHECK_EQ(resident.shared, 128u + 256);
  CHECK_EQ(resident.v8_heap, 0u);
  CHECK_EQ(resident.untouched, 76 * kMiB - 8 - 16 - 32);
  CHECK_EQ(resident.sum(), 1023u);
}

TEST(a_thread_has_its_stack_where_its_stack_pointer_is) {
  ResidentHints hints = none();
  hints.stack_pointers = {0x2000000 + kMiB, 0x8000000 + kMiB, 0x70000000};
  const Resident resident = classify_resident(
      {
          mapped(0x2000000, 8 * kMiB, "rw-p", "", 1), mapped(0x4000000, 8 * kMiB, "rw-p", "", 2),
          mapped(0x8000000, 512 * kMiB, "rw-p", "", 4),  // other memory has joined it
      },
      hints);
  CHECK_EQ(resident.stack, 1u);
  CHECK_EQ(resident.anonymous, 6u);
}

TEST(chunks_of_v8_are_its_heap_and_the_rest_of_a_mapping_is_not) {
  ResidentHints hints = none();
  hints.v8_chunks = {{0x1000000, 0x1080000}, {0x2000000, 0x2040000}, {0x20c0000, 0x2140000}, {0x2300000, 0x2400000}};
  std::vector<AddressRange> asked;
  hints.present = [&](const AddressRange &range) -> uint64_t {
    asked.push_back(range);
    return 100;
  };
  const std::vector<ResidentMapping> mappings = {
      mapped(0x1000000, 0x40000, "r--p", "", 1000),  // one chunk, in two mappings
      mapped(0x1040000, 0x40000, "rw-p", "", 2000),
      mapped(0x2000000, 0x100000, "rw-p", "", 5000),  // one chunk, and the beginning of another
      mapped(0x2300000, 0x200000, "rw-p", "", 60),
  };
  const Resident resident = classify_resident(mappings, hints);
  CHECK_EQ(resident.v8_heap, 1000u + 2000 + 200 + 60);  // never more than there is
  CHECK_EQ(resident.sum(), 8060u);
  REQUIRE(asked.size() == 3);
  CHECK(asked[1] == AddressRange(0x20c0000, 0x2100000));
}

TEST(the_heap_of_v8_is_searched_in_private_anonymous_memory) {
  const auto ranges = v8_heap_candidates({
      mapped(0x1000, 0x1000, "rw-p", "", 4096),
      mapped(0x2000, 0x1000, "r--p", "", 4096),
      mapped(0x3000, 0x1000, "rw-p", "", 0),
      mapped(0x4000, 0x1000, "---p", "", 0),
      mapped(0x5000, 0x1000, "rwxp", "", 4096),
      mapped(0x6000, 0x1000, "rw-s", "", 4096),
      mapped(0x7000, 0x1000, "rw-p", "/a", 4096),
      mapped(0x8000, 0x1000, "rw-p", "[heap]", 4096),
  });
  REQUIRE(ranges.size() == 2);
  CHECK_EQ(ranges[0].first, 0x1000u);
  CHECK_EQ(ranges[1].first, 0x2000u);
}

TEST(stack_pointers) {
  CHECK_EQ(parse_stack_pointer("202 0x7f1 0x80 0x0 0x0 0x0 0x0 0x7ffc1a2b3c48 0x7f1a0000\n"), 0x7ffc1a2b3c48u);
  CHECK_EQ(parse_stack_pointer("-1 0x7ffc1a2b3c48 0x7f1a0000\n"), 0x7ffc1a2b3c48u);
  for (const char *text : {"", "\n", " ", "running\n", "running 0x1\n", "-1 7ffc 0x1\n", "-1 0x 0x1", "-1 0x12g 0x1",
                           "1 0x11112222333344445 0x1"})
    CHECK(!parse_stack_pointer(text));
}
