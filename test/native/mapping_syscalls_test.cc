// System calls that are found in stripped static programs: only where the unstripped program has an instruction, all of
// those that objdump shows in the C library's functions, and none in code that can't be trusted.
#include "mapping_syscalls.h"

#include <algorithm>
#include <set>

#include "check.h"
#include "compile.h"
#include "known_code.h"
#include "probe_sites.h"

using namespace mp;

namespace {

constexpr const char *kProgram = R"(
#define _GNU_SOURCE
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
static void *work(void *block) { return realloc(block, 3000000); }
int main(void) {
  pthread_t thread;
  pthread_create(&thread, 0, work, malloc(2000000));
  void *block = mmap(0, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  block = mremap(block, 8192, 4096, 0);
  return munmap(block, 4096);
})";

struct Line {
  uint64_t address;
  std::string function;
  std::string instruction;
};

// What objdump says, which knows the functions.
std::vector<Line> disassembly(const std::string &path) {
  std::vector<Line> lines;
  std::string function;
  for (const std::string &line : lines_of(output_of("objdump -d -w --no-show-raw-insn " + path))) {
    if (!line.empty() && line.back() == ':' && line.find('<') != std::string::npos)
      function = line.substr(line.find('<') + 1, line.rfind('>') - line.find('<') - 1);
    const size_t colon = line.find(":\t");
    if (line.empty() || line[0] != ' ' || colon == std::string::npos) continue;
    lines.push_back({std::stoull(line, nullptr, 16), function, line.substr(colon + 2)});
  }
  return lines;
}

std::unique_ptr<ElfFile> open(const std::string &path) {
  std::string error;
  auto elf = ElfFile::open(path, &error);
  CHECK(elf != nullptr);
  return elf;
}

void check_against_objdump(const Workspace &workspace, const char *compiler, const char *flags, size_t min_sites) {
  const std::string source = workspace.write("program.c", kProgram), path = workspace.path("program");
  const std::string quiet = " 2> /dev/null";
  CHECK(workspace.run(std::string(compiler) + " -O2 -pthread " + flags + " -o program " + source + quiet));
  CHECK(workspace.run("cp program stripped && strip stripped"));
  const auto lines = disassembly(path);
  std::set<uint64_t> instructions;
  for (const Line &line : lines) instructions.insert(line.address);

  const auto elf = open(workspace.path("stripped"));
  const auto sites = find_mapping_syscalls(*elf);
  CHECK(sites.size() >= min_sites);
  for (const MappingSyscall &site : sites) {
    const auto at = std::find_if(lines.begin(), lines.end(), [&](const Line &l) { return l.address == site.address; });
    CHECK(at != lines.end());
    bool is_behind_syscall = false;
    for (int i = 1; i <= 8; i++) is_behind_syscall |= (at - i)->instruction.compare(0, 7, "syscall") == 0;
    CHECK(is_behind_syscall);
  }
  for (const char *name : {"mmap", "munmap", "mremap"})
    CHECK(std::any_of(sites.begin(), sites.end(), [&](const MappingSyscall &site) {
      const auto at =
          std::find_if(lines.begin(), lines.end(), [&](const Line &l) { return l.address == site.address; });
      return at->function.find(name) != std::string::npos;
    }));
  // the proof itself: whatever is said to be an instruction is one
  const KnownCode code(*elf);
  size_t known = 0;
  for (size_t at = 0; at < code.size_bytes(); at++) {
    if (!code.is_instruction(at)) continue;
    known++;
    CHECK(instructions.count(code.address() + at));
  }
  size_t all = 0;
  for (const uint64_t address : instructions) all += address - code.address() < code.size_bytes();
  CHECK(known * 2 > all);
}

std::vector<MappingSyscall> sites_of(const std::string &assembly) {
  const Workspace workspace;
  const std::string source = workspace.write("program.s", ".text\n.globl _start\n" + assembly);
  CHECK(workspace.run("gcc -nostdlib -static -s -o program program.s"));
  return find_mapping_syscalls(*open(workspace.path("program")));
}

// A function with unwind information around the body.
std::string described(const std::string &name, const std::string &body) {
  return name + ":\n.cfi_startproc\n" + body + "\n.cfi_endproc\n";
}

constexpr const char *kMmap = "mov $9, %eax\nsyscall\ncmp $-4095, %rax\njae 1f\n1: ret\n";
const std::string kStart = described("_start", "call f\nhlt");

}  // namespace

TEST(system_calls_of_a_stripped_program_with_glibc) {
  const Workspace workspace;
  check_against_objdump(workspace, "gcc", "-static", 3);
  check_against_objdump(workspace, "gcc", "-static-pie", 3);
}

TEST(system_calls_of_a_stripped_program_with_musl) {
  const Workspace workspace;
  check_against_objdump(workspace, "musl-gcc", "-static", 3);
}

TEST(a_stripped_program_has_its_system_calls_as_probe_sites) {
  const Workspace workspace;
  workspace.write("program.c", kProgram);
  for (const char *flags : {"-static", "-static-pie"}) {
    CHECK(workspace.run(std::string("gcc -O2 -pthread -s ") + flags + " -o program program.c"));
    const auto elf = open(workspace.path("program"));
    CHECK(is_static_program(*elf));
    const auto functions = find_probe_sites(*elf, {}).functions;
    CHECK(functions.size() >= 3);
    for (const auto &function : functions) CHECK(function.kind == FunctionKind::kRanged && !function.returns);
  }
  CHECK(!is_static_program(*open("/lib64/ld-linux-x86-64.so.2")));
}

TEST(a_system_call_behind_its_number_is_found) {
  CHECK_EQ(sites_of(kStart + described("f", kMmap)).size(), 1u);
  // without unwind information it is reached by the call
  CHECK_EQ(sites_of(kStart + "f:\n" + kMmap).size(), 1u);
}

TEST(what_nothing_leads_to_is_not_known_to_be_code) {
  CHECK(sites_of(described("_start", "hlt") + "f:\n" + kMmap).empty());
  // behind a call of a function that does not return
  CHECK(sites_of("_start:\ncall stop\n" + std::string(kMmap) + "stop: hlt\njmp stop\n").empty());
  CHECK_EQ(sites_of("_start:\ncall f\n" + std::string(kMmap) + "f: ret\n").size(), 1u);
}

TEST(a_function_that_jumps_into_its_instructions_is_left_alone) {
  CHECK(sites_of(kStart + described("f", "je 2f + 1\n2: lock cmpxchg %ecx, (%rdx)\n" + std::string(kMmap))).empty());
}

TEST(a_function_that_is_no_code_to_its_end_is_left_alone) {
  CHECK(sites_of(kStart + described("f", std::string(kMmap) + ".byte 0x06, 0x07")).empty());
  CHECK(sites_of(kStart + described("f", std::string(kMmap) + ".byte 0x48, 0xb8")).empty());
}

TEST(a_range_that_begins_in_the_midst_of_an_instruction_is_left_alone) {
  // Decoding falls into step soon: 00 90 90 90 90 90 is one instruction.
  const std::string body = "f: .rept 16\nnop\n.endr\n" + std::string(kMmap) + ".cfi_endproc\n";
  const std::string before = kStart + described("g", "ret");
  CHECK_EQ(sites_of(before + ".cfi_startproc\n" + body).size(), 1u);
  // what lies between the functions reaches into it
  CHECK(sites_of(before + ".byte 0x0f, 0x1f, 0x40\n.cfi_startproc\n.byte 0\n" + body).empty());
  // as glibc does for __restore_rt, which a signal handler returns to
  CHECK(sites_of(before + ".cfi_startproc\n.cfi_signal_frame\n.cfi_escape 0x0f, 3, 0x77, 0xa0, 1\n.byte 0\n" + body)
            .empty());
}

TEST(instructions_that_overlap_make_everything_reached_unknown) {
  CHECK(sites_of("_start:\ncall f\ncall g\ncall g + 1\nhlt\nf:\n" + std::string(kMmap) +
                 "g: mov $0xc3c3c3c3, %eax\nret\n")
            .empty());
}

TEST(a_number_that_may_be_another_one_is_no_system_call_of_a_mapping) {
  CHECK(sites_of(kStart + described("f",
                                    "mov $9, %eax\ntest %edi, %edi\nje 2f\nmov $1, %eax\n2: syscall\njae 1f\n1: "
                                    "ret\n"))
            .empty());
  CHECK(sites_of(kStart + described("g", "mov $1, %eax\njmp 3f\n") +
                 described("f", "mov $9, %eax\n3: syscall\ncmp $-4095, %rax\njae 1f\n1: ret\n"))
            .empty());
  CHECK(sites_of(kStart + described("f", "mov %edi, %eax\nsyscall\njae 1f\n1: ret\n")).empty());
}
