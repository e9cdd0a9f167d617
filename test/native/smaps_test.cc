#include "smaps.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <numeric>

#include "check.h"

using namespace mp;

namespace {

constexpr const char *kText =
    "00400000-00746000 r--p 00000000 fe:00 25                            /usr/bin/node\n"
    "Size:               3352 kB\n"
    "KernelPageSize:        4 kB\n"
    "Rss:                3300 kB\n"
    "Pss:                   1 kB\n"
    "Anonymous:             0 kB\n"
    "VmFlags: rd mr mw me \n"
    "00e0d000-00e4a000 rw-p 00000000 00:00 0                              [heap]\n"
    "Size:                244 kB\n"
    "Rss:                  12 kB\n"
    "7f0000000000-7f0000002000 rw-s 00000000 00:01 9                      /dev/shm/a\\012Rss: 9 kB (deleted)\n"
    "Rss:                   8 kB\n";

std::vector<ResidentMapping> parse(std::string_view text, size_t piece = 1 << 20) {
  SmapsParser parser;
  for (size_t at = 0; at < text.size(); at += piece) parser.add(text.substr(at, piece));
  return parser.take();
}

}  // namespace

TEST(parses_mappings_in_pieces_of_any_length) {
  for (size_t piece = 1; piece < strlen(kText); piece += 7) {
    const auto mappings = parse(kText, piece);
    REQUIRE(mappings.size() == 3);
    CHECK_EQ(mappings[0].mapping.start, 0x400000u);
    CHECK_EQ(mappings[0].resident_bytes, 3300u * 1024);
    CHECK(mappings[0].mapping.readable);
    CHECK(!mappings[0].mapping.shared);
    CHECK_EQ(mappings[1].mapping.path, "[heap]");
    CHECK_EQ(mappings[1].resident_bytes, 12u * 1024);
    CHECK(mappings[2].mapping.shared);
    CHECK_EQ(mappings[2].resident_bytes, 8u * 1024);
  }
}

TEST(believes_no_number_that_cannot_be) {
  const std::string mapping = "1000-3000 rw-p 00000000 00:00 0 \n";
  for (const char *line : {"Rss: kB\n", "Rss:\n", "Rss: -4 kB\n", "Rss: 99999999999999999999 kB\n",
                           "Rss: 18014398509481984 kB\n", "Pss: 4 kB\n", "rss: 4 kB\n"}) {
    const auto mappings = parse(mapping + line);
    REQUIRE(mappings.size() == 1);
    CHECK_EQ(mappings[0].resident_bytes, 0u);
  }
  CHECK_EQ(parse(mapping + "Rss: 12 kB\n")[0].resident_bytes, 8192u);  // all of it
  CHECK_EQ(parse(mapping + "Rss: 4 kB\nRss: 8 kB\n")[0].resident_bytes, 4096u);
  CHECK_EQ(parse(mapping + "Rss: 4 kB")[0].resident_bytes, 0u);  // the end may be missing
  CHECK_EQ(parse("Rss: 4 kB\n").size(), 0u);
}

TEST(a_line_without_end_takes_no_memory) {
  SmapsParser parser;
  const std::string endless(1 << 20, 'a');
  for (int i = 0; i < 100; i++) parser.add(endless);
  parser.add("\n1000-3000 rw-p 00000000 00:00 0 \nRss: 4 kB\n");
  const auto mappings = parser.take();
  REQUIRE(mappings.size() == 1);
  CHECK_EQ(mappings[0].resident_bytes, 4096u);
}

TEST(reads_its_own) {
  constexpr size_t kBytes = 64 << 20;
  void *memory = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(memory != MAP_FAILED);
  memset(memory, 1, kBytes / 2);
  const auto mappings = read_smaps(getpid());
  REQUIRE(mappings.has_value());
  const auto address = reinterpret_cast<uint64_t>(memory);
  bool found = false;
  for (const auto &[mapping, resident_bytes] : *mappings) {
    if (address < mapping.start || address >= mapping.end) continue;
    found = resident_bytes >= kBytes / 2 && resident_bytes < mapping.end - mapping.start;
  }
  CHECK(found);
  munmap(memory, kBytes);
}

TEST(a_process_that_is_gone_has_none) {
  CHECK(!read_smaps(0x7ffffff0).has_value());
}
