// What is found of V8 in ELF files: ones made by hand, and those of this machine.
#include "v8_layout.h"

#include "check.h"
#include "made_v8.h"
#include "this_machine.h"
#include "node_process.h"

using namespace mp;

TEST(versions) {
  const char *versions[] = {"10.2.154.26", "11.3.244.8", "12.4.254.21", "13.6.233.17"};
  for (int i = 0; i < kMadeV8Versions; i++) {
    const auto image = made_v8_image(i);
    REQUIRE(image.has_value());
    CHECK_EQ(image->version, versions[i]);
    CHECK_EQ(image->unsupported, "");
  }
}

TEST(code) {
  const auto image = made_v8_image(0);
  REQUIRE(image.has_value());
  CHECK_EQ(image->builtins.first, 0x20000u);
  CHECK_EQ(image->builtins.second, 0x20480u);
  REQUIRE(image->interpreted.size() == 3);
  CHECK_EQ(image->interpreted[0].first, 0x200ffu);
  CHECK_EQ(image->interpreted[0].second, 0x20180u);
  CHECK(!image->is_interpreted(0x200fe));
  CHECK(image->is_interpreted(0x200ff));
  CHECK(image->is_interpreted(0x20100));
  CHECK(image->is_interpreted(0x2017f));
  CHECK(!image->is_interpreted(0x20180));
  CHECK(!image->is_interpreted(0x20200));
  CHECK(image->is_interpreted(0x20400));
  CHECK_EQ(image->collection_begin, 0x20500u);
  CHECK_EQ(image->collection_end, 0x20600u);
  CHECK_EQ(image->heap_end, 0x20700u);
}

TEST(allocation_counters) {
  for (int version = 0; version < kMadeV8Versions; version++) {
    const auto image = made_v8_image(version);
    REQUIRE(image.has_value());
    CHECK_EQ(image->allocation_counter, 0x20800u);
    // V8 10.2 does not tell it of all
    CHECK_EQ(image->large_allocation, version == 0 ? 0x20900u : 0u);
    CHECK_EQ(image->counter_paused, version == 0 ? 124 : 0);
  }
}

TEST(offsets_by_version) {
  CHECK_EQ(made_v8_layout(0).bytecode_bytes, 56);
  CHECK_EQ(made_v8_layout(1).bytecode_bytes, 54);
  CHECK_EQ(made_v8_layout(3).bytecode_bytes, 64);
  CHECK_EQ(made_v8_layout(1).bytecode_source_positions, 32);
  CHECK_EQ(made_v8_layout(2).bytecode_source_positions, 24);
  CHECK_EQ(made_v8_layout(0).types.last_js_function, 2080);
  CHECK_EQ(made_v8_layout(1).types.last_js_function, 2081);
  CHECK_EQ(made_v8_layout(2).types.last_js_function, 2082);
  CHECK_EQ(made_v8_layout(0).types.trusted_byte_array, kNoV8Type);
  CHECK_EQ(made_v8_layout(3).types.trusted_byte_array, 196);
  CHECK_EQ(made_v8_layout(0).script_source_url, 104);
  CHECK_EQ(made_v8_layout(1).script_source_url, 112);
  CHECK_EQ(made_v8_layout(2).scope_locals, 32);
  CHECK_EQ(made_v8_layout(3).scope_locals, 48);
  CHECK_EQ(made_v8_layout(3).scope_positions, 32);
  CHECK_EQ(made_v8_layout(3).map, 0);
}

TEST(versions_that_are_not_known) {
  const auto newer = made_v8_image(3, {{"_ZN2v88internal7Version6minor_E", 7}});
  REQUIRE(newer.has_value());
  CHECK_EQ(newer->unsupported,
           "this version of V8 (13.7.233.17) is not known to mp: its stacks show native frames only");
  const auto none = made_v8_image(3, {{"_ZN2v88internal7Version6major_E", kNoConstant}});
  REQUIRE(none.has_value());
  CHECK(!none->unsupported.empty());
}

// Each constant is needed, but that of a type that is not in all versions.
TEST(constants_that_are_missing) {
  for (int version = 0; version < kMadeV8Versions; version++) {
    for (const MadeV8Constant &constant : kMadeV8Constants) {
      const std::string name = constant.name;
      if (constant.values[version] == kNoConstant || name.find("Trusted") != name.npos || name[0] == '_') continue;
      const auto image = made_v8_image(version, {{name, kNoConstant}});
      REQUIRE(image.has_value());
      if (image->unsupported.empty()) check::fail(__FILE__, __LINE__, "not missed: " + name);
    }
  }
}

// Compressed pointers, and numbers that no build has.
TEST(builds_that_are_not_known) {
  for (const auto &[name, value] : std::map<std::string, int32_t>{{"v8dbg_TaggedSize", 4},
                                                                  {"v8dbg_SmiShiftSize", 0},
                                                                  {"v8dbg_HeapObjectTag", 3},
                                                                  {"v8dbg_class_Script__name__Object", -8},
                                                                  {"v8dbg_class_Script__source__Object", 100000},
                                                                  {"v8dbg_type_Script__SCRIPT_TYPE", 70000},
                                                                  {"v8dbg_off_fp_function", -100000}}) {
    const auto image = made_v8_image(1, {{name, value}});
    REQUIRE(image.has_value());
    CHECK_EQ(image->unsupported, "this build of V8 11.3.244.8 is not known to mp: its stacks show native frames only");
  }
}

TEST(files_without_v8) {
  CHECK(!made_v8_image(0, {{"Builtins_InterpreterEntryTrampoline", kNoConstant}}));
  std::string error;
  const auto libc = ElfFile::open(libc_path(), &error);
  REQUIRE(libc != nullptr);
  CHECK(!find_v8(*libc));
}

TEST(nodes_of_this_machine) {
  if (nodes().empty()) SKIP("no node");
  for (const std::string &path : nodes()) {
    std::string error;
    const auto elf = ElfFile::open(path, &error);
    REQUIRE(elf != nullptr);
    const auto image = find_v8(*elf);
    REQUIRE(image.has_value());
    const std::string said = first_line(output_of("'" + path + "' -p process.versions.v8"));
    CHECK_EQ(said.substr(0, image->version.size() + 1), image->version + "-");
    CHECK_EQ(image->unsupported, "");
    CHECK(image->interpreted.size() >= 3);
    for (const auto &[begin, end] : image->interpreted)
      CHECK(begin >= image->builtins.first && begin < end && end <= image->builtins.second);
    CHECK(image->builtins.second - image->builtins.first > 1 << 20);
    CHECK(image->collection_begin != 0);
    CHECK(image->collection_end != 0);
    CHECK(image->heap_end != 0);
    CHECK(image->allocation_counter != 0);
    CHECK_EQ(image->large_allocation != 0, image->counter_paused != 0);
  }
}
