// The two binary searches, over mappings and over rows, against looking at every element.
#include <random>

#include "check.h"
#include "reference.h"

namespace {

constexpr uint64_t kCode = 0x7f0000000000;

uint32_t mapping_by_brute_force(const Tables &tables, uint64_t pc) {
  for (uint32_t i = 0; i < tables.mappings.size(); i++)
    if (pc >= tables.mappings[i].start && pc < tables.mappings[i].end) return i + 1;
  return 0;
}

bool same_rule(const Tables &tables, uint64_t pc) {
  auto [rule, reason] = reference_rule(tables, pc);
  return host_search_rule(0, pc) == (rule == MP_CFA_NONE ? uint64_t{reason} << 32 : rule);
}

// Mappings of 1 to 64 bytes, some directly behind the one before.
Tables random_mappings(std::mt19937_64 *random, size_t count) {
  Tables tables;
  uint64_t at = kCode;
  for (size_t i = 0; i < count; i++) {
    at += (*random)() % 3 ? 0 : 1 + (*random)() % 40;
    uint64_t end = at + 1 + (*random)() % 64;
    tables.mappings.push_back({at, end, at, MP_NO_MODULE, 0});
    at = end;
  }
  return tables;
}

void use(Tables *tables) {
  host = {};
  tables->use(0);
}

}  // namespace

TEST(finds_the_mapping_that_brute_force_finds) {
  std::mt19937_64 random(1);
  for (size_t count : {0, 1, 2, 3, 4, 5, 7, 8, 9, 31, 32, 33, 100, 255, 256, 1000}) {
    Tables tables = random_mappings(&random, count);
    use(&tables);
    size_t wrong = 0;
    const uint64_t end = count ? tables.mappings.back().end : kCode;
    for (uint64_t pc = kCode - 3; pc < end + 3; pc++)
      wrong += host_find_mapping(0, pc) != mapping_by_brute_force(tables, pc);
    for (uint64_t pc : {uint64_t{0}, uint64_t{1}, ~uint64_t{0}, uint64_t{1} << 63})
      wrong += host_find_mapping(0, pc) != 0;
    CHECK_EQ(wrong, 0u);
  }
}

TEST(finds_mappings_in_a_process_with_as_many_as_the_kernel_allows) {
  std::mt19937_64 random(2);
  Tables tables = random_mappings(&random, 65530);  // vm.max_map_count
  use(&tables);
  size_t wrong = 0;
  for (uint32_t i = 0; i < tables.mappings.size(); i++) {
    const mp_mapping &mapping = tables.mappings[i];
    wrong += host_find_mapping(0, mapping.start) != i + 1 || host_find_mapping(0, mapping.end - 1) != i + 1;
    const bool touches = i + 1 < tables.mappings.size() && tables.mappings[i + 1].start == mapping.end;
    wrong += host_find_mapping(0, mapping.end) != (touches ? i + 2 : 0);
  }
  CHECK_EQ(wrong, 0u);
}

TEST(a_table_that_is_shorter_than_it_says_is_not_left) {
  Tables tables;
  for (uint64_t i = 0; i < 8; i++) tables.mappings.push_back({kCode + i * 16, kCode + i * 16 + 16, kCode, 0, 0});
  use(&tables);
  tables.heads[0][0].start = 1000;
  for (uint64_t pc = kCode; pc < kCode + 128; pc++) CHECK(host_find_mapping(0, pc) < 9);
  tables.heads[0][0].start = ~uint64_t{0};
  for (uint64_t pc = kCode; pc < kCode + 128; pc++) CHECK(host_find_mapping(0, pc) < 9);
}

TEST(says_why_there_is_no_rule) {
  Tables tables;
  tables.mappings = {{kCode, kCode + 100, kCode, 0, 2},
                     {kCode + 100, kCode + 200, 0, MP_NO_MODULE, 0},
                     {kCode + 200, kCode + 300, kCode + 200, 1, 5},    // no such rows map
                     {kCode + 300, kCode + 400, kCode + 300, 2, 0},    // empty
                     {kCode + 400, kCode + 500, kCode + 400, 3, 100},  // says more rows than there are
                     {kCode + 600, kCode + 700, kCode + 600, HOST_MODULES + 7, 1}};
  const uint32_t rule = MP_RULE(MP_CFA_RSP, 0, 8);
  tables.rows[0] = {{10, rule}, {50, MP_CFA_NONE}};
  tables.rows[2] = {};
  tables.rows[3] = {{0, rule}};
  use(&tables);
  const uint64_t no_mapping = uint64_t{MP_STACK_NO_MAPPING} << 32, no_rule = uint64_t{MP_STACK_NO_RULE} << 32;
  CHECK_EQ(host_search_rule(0, kCode - 1), no_mapping);
  CHECK_EQ(host_search_rule(0, kCode + 500), no_mapping);
  CHECK_EQ(host_search_rule(0, kCode + 700), no_mapping);
  CHECK_EQ(host_search_rule(1, kCode), no_mapping);   // a slot without a table
  CHECK_EQ(host_search_rule(0, kCode + 9), no_rule);  // before the first row
  CHECK_EQ(host_search_rule(0, kCode + 10), rule);
  CHECK_EQ(host_search_rule(0, kCode + 49), rule);
  CHECK_EQ(host_search_rule(0, kCode + 50), no_rule);
  CHECK_EQ(host_search_rule(0, kCode + 99), no_rule);
  CHECK_EQ(host_search_rule(0, kCode + 100), uint64_t{MP_RULE_JIT});
  CHECK_EQ(host_search_rule(0, kCode + 250), no_rule);
  CHECK_EQ(host_search_rule(0, kCode + 350), no_rule);
  CHECK_EQ(host_search_rule(0, kCode + 450), no_rule);
  CHECK_EQ(host_search_rule(0, kCode + 650), no_rule);
}

TEST(finds_the_row_that_brute_force_finds) {
  std::mt19937_64 random(3);
  for (uint32_t count : {1, 2, 3, 4, 15, 16, 17, 100, 1000}) {
    Tables tables;
    uint32_t at = random() % 3;
    for (uint32_t i = 0; i < count; i++) {
      uint32_t rule = random() % 8 ? MP_RULE(MP_CFA_RSP, 0, i * 8 + 8) : uint32_t{MP_CFA_NONE};
      tables.rows[5].push_back({at, rule});
      at += 1 + random() % 9;
    }
    tables.mappings = {{kCode, kCode + at + 20, kCode, 5, count}};
    use(&tables);
    size_t wrong = 0;
    for (uint64_t pc = kCode - 2; pc < kCode + at + 22; pc++) wrong += !same_rule(tables, pc);
    CHECK_EQ(wrong, 0u);
  }
}

TEST(finds_rows_of_a_module_as_large_as_they_get) {
  Tables tables;
  const uint32_t count = 10'000'000;  // a 1 GiB program
  for (uint32_t i = 0; i < count; i++) tables.rows[0].push_back({i * 4, MP_RULE(MP_CFA_RSP, 0, i % 1000 * 8)});
  tables.mappings = {{kCode, kCode + count * 4, kCode, 0, count}};
  use(&tables);
  size_t wrong = 0;
  for (uint64_t i = 0; i < count; i += 997)
    for (uint64_t offset : {0, 3}) wrong += host_search_rule(0, kCode + i * 4 + offset) != tables.rows[0][i].rule;
  for (uint64_t i : {uint64_t{0}, uint64_t{count - 1}})
    wrong += host_search_rule(0, kCode + i * 4) != tables.rows[0][i].rule;
  CHECK_EQ(wrong, 0u);
}
