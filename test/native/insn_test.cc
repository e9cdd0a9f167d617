#include "insn.h"

#include "check.h"
#include "elf.h"
#include "this_machine.h"
#include "x86_decode.h"

using namespace mp;
using Bytes = std::vector<uint8_t>;

namespace {

uint32_t length_of(const Bytes &code) {
  auto instruction = decode_instruction(code.data(), code.size());
  return instruction ? instruction->length_bytes : 0;
}

uint16_t writes_of(const Bytes &code) {
  auto instruction = decode_instruction(code.data(), code.size());
  return instruction ? instruction->writes : 0xdead;
}

bool emulated(const Bytes &code) {
  auto instruction = decode_instruction(code.data(), code.size());
  return instruction && instruction->emulated;
}

void check_site(const ProbeSite &site, uint32_t offset, bool single_stepped, int line) {
  if (site.offset == offset && site.single_stepped == single_stepped) return;
  check::fail(__FILE__, line, "site is " + std::to_string(site.offset) + (site.single_stepped ? " stepped" : ""));
}

#define CHECK_RETURNABLE(offset, stepped, ...)                                             \
  {                                                                                        \
    Bytes code __VA_ARGS__;                                                                \
    check_site(pick_returnable_site(code.data(), code.size()), offset, stepped, __LINE__); \
  }
#define CHECK_ENTRY(offset, stepped, ...)                                             \
  {                                                                                   \
    Bytes code __VA_ARGS__;                                                           \
    check_site(pick_entry_site(code.data(), code.size()), offset, stepped, __LINE__); \
  }

std::optional<uint32_t> syscall_site(const Bytes &code) {
  auto site = pick_syscall_site(code.data(), code.size());
  if (!site) return std::nullopt;
  return site->offset;
}

// The code of a function of the C library; {} if it has none of that name.
Bytes libc_code(const ElfFile &libc, const char *name) {
  auto symbol = libc.find_function(name);
  if (!symbol) return {};
  auto [data, size_bytes] = libc.bytes_at(symbol->address, symbol->size_bytes);
  return Bytes(data, data + size_bytes);
}

TEST(arguments_are_followed_into_other_registers) {
  // mov %rdi, %rsi; mov %fs:(%rax), %rdi; cmp $0x400, %rsi; ja: malloc of mimalloc
  const uint8_t code[] = {0x48, 0x89, 0xfe, 0x64, 0x48, 0x8b, 0x38, 0x48, 0x81,
                          0xfe, 0,    4,    0,    0,    0x77, 0x01, 0xc3, 0xc3};
  const auto one = mp::pick_argument_site(code, sizeof(code), 1, true);
  CHECK_EQ(one.offset, 14u);
  CHECK(!one.single_stepped && one.is_moved());
  CHECK_EQ(int{one.registers[0]}, 6);
  // the second argument is lost with that
  CHECK(mp::pick_argument_site(code, sizeof(code), 2, true).single_stepped);
  // sub $8, %rsp before it: a return probe would not find the return address
  const uint8_t moved[] = {0x48, 0x83, 0xec, 0x08, 0x75, 0x01, 0xc3, 0xc3};
  CHECK(mp::pick_argument_site(moved, sizeof(moved), 1, true).single_stepped);
  CHECK_EQ(mp::pick_argument_site(moved, sizeof(moved), 1, false).offset, 4u);
}

}  // namespace

TEST(decodes_lengths) {
  CHECK_EQ(length_of({0x55}), 1);
  CHECK_EQ(length_of({0xf3, 0x0f, 0x1e, 0xfa}), 4);                        // endbr64
  CHECK_EQ(length_of({0x48, 0x89, 0x74, 0x24, 0x08}), 5);                  // SIB, disp8
  CHECK_EQ(length_of({0x80, 0x3d, 0x71, 0x0e, 0x14, 0x00, 0x00}), 7);      // rip-relative, imm8
  CHECK_EQ(length_of({0x66, 0x81, 0x3d, 1, 2, 3, 4, 5, 6}), 9);            // imm16
  CHECK_EQ(length_of({0x48, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8}), 10);           // mov rax, imm64
  CHECK_EQ(length_of({0x64, 0x48, 0x8b, 0x04, 0x25, 0x28, 0, 0, 0}), 9);   // fs:0x28
  CHECK_EQ(length_of({0x41, 0xf7, 0xc1, 0xff, 0x0f, 0x00, 0x00}), 7);      // test r9d, imm32
  CHECK_EQ(length_of({0xf6, 0xc1, 0x06}), 3);                              // test cl, imm8
  CHECK_EQ(length_of({0xf7, 0xd8}), 2);                                    // neg eax
  CHECK_EQ(length_of({0x48, 0x8d, 0x04, 0x95, 0, 0, 0, 0}), 8);            // SIB without base
  CHECK_EQ(length_of({0x66, 0x2e, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0}), 10);  // nop
  CHECK_EQ(length_of({0xc5, 0xf8, 0x77}), 3);                              // vzeroupper
  CHECK_EQ(length_of({0xc5, 0xfe, 0x6f, 0x06}), 4);                        // vmovdqu
  CHECK_EQ(length_of({0xc4, 0xe3, 0x7d, 0x39, 0xc1, 0x01}), 6);            // vextracti128
  CHECK_EQ(length_of({0x62, 0xe1, 0xfe, 0x28, 0x6f, 0x06}), 6);            // evex vmovdqu64
  CHECK_EQ(length_of({0x66, 0x0f, 0x3a, 0x0f, 0xc1, 0x08}), 6);            // palignr
  CHECK_EQ(length_of({0x66, 0x0f, 0x38, 0x00, 0xc1}), 5);                  // pshufb
}

TEST(rejects_what_it_does_not_know) {
  CHECK_EQ(length_of({}), 0);
  CHECK_EQ(length_of({0x48}), 0);
  CHECK_EQ(length_of({0xe8, 0, 0, 0}), 0);
  CHECK_EQ(length_of({0x48, 0x8b, 0x05, 0, 0, 0}), 0);
  CHECK_EQ(length_of({0x06}), 0);
  CHECK_EQ(length_of({0x66, 0xe8, 0, 0, 0, 0}), 0);
  CHECK_EQ(length_of({0x8f, 0xe8, 0x78, 0xa2, 0xc1, 0xd0}), 0);  // XOP
  CHECK_EQ(length_of(Bytes(20, 0x66)), 0);
}

TEST(knows_what_is_written) {
  CHECK_EQ(writes_of({0x48, 0x85, 0xff}), 0);                          // test rdi, rdi
  CHECK_EQ(writes_of({0x48, 0x89, 0xfb}), kRbx);                       // mov rbx, rdi
  CHECK_EQ(writes_of({0x48, 0x8b, 0x3b}), kRdi);                       // mov rdi, [rbx]
  CHECK_EQ(writes_of({0x48, 0x89, 0x3b}), 0);                          // mov [rbx], rdi
  CHECK_EQ(writes_of({0x41, 0x89, 0xca}), kR10);                       // mov r10d, ecx
  CHECK_EQ(writes_of({0x48, 0xf7, 0xe2}), kRax | kRdx);                // mul rdx
  CHECK_EQ(writes_of({0x48, 0x83, 0xec, 0x10}), kRsp);                 // sub rsp, 16
  CHECK_EQ(writes_of({0x48, 0x3d, 0x00, 0xf0, 0xff, 0xff}), 0);        // cmp rax, -4096
  CHECK_EQ(writes_of({0x0f, 0x05}), kRax | kRcx | kR11);               // syscall
  CHECK_EQ(writes_of({0x87, 0xf7}), kRsi | kRdi);                      // xchg edi, esi
  CHECK_EQ(writes_of({0xf3, 0x48, 0xab}), kRax | kRcx | kRsi | kRdi);  // rep stosq
  CHECK(writes_of({0xb6, 0x01}) & kRdx);                               // mov dh, 1
  CHECK_EQ(writes_of({0x40, 0xb6, 0x01}), kRsi);                       // mov sil, 1
  CHECK_EQ(writes_of({0xc4, 0xe2, 0x70, 0xf2, 0xf8}), kAllRegisters);  // andn edi, ecx, eax
  CHECK_EQ(writes_of({0xf3, 0x0f, 0x1e, 0xfa}), 0);                    // endbr64
  CHECK_EQ(writes_of({0xf3, 0x48, 0x0f, 0x1e, 0xcf}), kRdi);           // rdsspq rdi
}

TEST(knows_what_is_emulated) {
  CHECK(emulated({0x55}));
  CHECK(emulated({0x41, 0x54}));
  CHECK(emulated({0x90}));
  CHECK(emulated({0x0f, 0x1f, 0x44, 0x00, 0x00}));
  CHECK(emulated({0x74, 0x10}));
  CHECK(emulated({0x0f, 0x84, 0, 1, 0, 0}));
  CHECK(emulated({0xe8, 0, 1, 0, 0}));
  CHECK(emulated({0xe9, 0, 1, 0, 0}));
  CHECK(emulated({0xeb, 0x10}));
  CHECK(!emulated({0x48, 0x55}));
  CHECK(!emulated({0x66, 0x90}));
  CHECK(!emulated({0x41, 0x90}));
  CHECK(!emulated({0x66, 0x2e, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0}));
  CHECK(!emulated({0x2e, 0x74, 0x10}));
  CHECK(!emulated({0xe3, 0x10}));
  CHECK(!emulated({0xff, 0xe0}));
  CHECK(!emulated({0xc3}));
  CHECK(!emulated({0x5d}));
}

TEST(returnable_site_is_the_first_emulated_instruction) {
  CHECK_RETURNABLE(0, false, {0x55, 0x48, 0x89, 0xe5, 0xc3});
  CHECK_RETURNABLE(4, false, {0xf3, 0x0f, 0x1e, 0xfa, 0x41, 0x54, 0xc3});     // endbr64; push
  CHECK_RETURNABLE(7, false, {0x80, 0x3d, 0, 0, 0, 0, 0, 0x74, 0x07, 0xc3});  // cmpb; je
  CHECK_RETURNABLE(0, false, {0xe9, 0, 0, 1, 0});                             // jmp
  CHECK_RETURNABLE(3, false, {0x48, 0x89, 0xf8, 0xe8, 0, 0, 1, 0});           // mov rax, rdi; call
}

TEST(returnable_site_needs_stack_and_arguments) {
  CHECK_RETURNABLE(0, true, {0x48, 0x83, 0xec, 0x08, 0x74, 0x00, 0xc3});                          // sub rsp
  CHECK_RETURNABLE(0, true, {0x48, 0x89, 0xf0, 0x48, 0xf7, 0xe2, 0x48, 0x89, 0xc6, 0x70, 0x05});  // mul rdx
  CHECK_RETURNABLE(0, true, {0x31, 0xc9, 0x74, 0x00, 0xc3});                                      // xor ecx, ecx
  CHECK_RETURNABLE(0, true, {0xc3});
  CHECK_RETURNABLE(0, true, {0x48, 0x89, 0xf8, 0xc3, 0x55});  // mov rax, rdi; ret; push of the next function
  CHECK_RETURNABLE(0, true, {0xff, 0x25, 0, 0, 0, 0, 0x55});  // jmp [rip]
  CHECK_RETURNABLE(0, true, {0x06, 0x55});
  CHECK_RETURNABLE(0, true, {});
}

TEST(entry_site_needs_only_the_first_argument) {
  CHECK_ENTRY(3, false, {0x48, 0x85, 0xff, 0x0f, 0x84, 0xbf, 0, 0, 0});           // test rdi, rdi; je
  CHECK_ENTRY(4, false, {0x48, 0x83, 0xec, 0x08, 0x74, 0x00, 0xc3});              // sub rsp; je
  CHECK_ENTRY(4, false, {0x48, 0x83, 0xec, 0x08, 0xe8, 0, 0, 0, 0, 0xc3});        // sub rsp; call
  CHECK_ENTRY(0, true, {0x48, 0x83, 0xef, 0x10, 0x74, 0x00, 0xc3});               // sub rdi, 16
  CHECK_ENTRY(0, true, {0x89, 0xff, 0x74, 0x00, 0xc3});                           // mov edi, edi
  CHECK_ENTRY(7, false, {0xf3, 0x0f, 0x1e, 0xfa, 0x48, 0x85, 0xff, 0x74, 0x01});  // endbr64; test; je
}

TEST(site_is_refused_if_the_function_jumps_back_to_it) {
  // test rdi, rdi; L: je +2; jmp L
  CHECK_ENTRY(0, true, {0x48, 0x85, 0xff, 0x74, 0x02, 0xeb, 0xfc, 0xc3});
  // the same, back to the beginning: as good as a call
  CHECK_ENTRY(3, false, {0x48, 0x85, 0xff, 0x74, 0x02, 0xeb, 0xf9, 0xc3});
}

TEST(syscall_site_is_behind_the_system_call) {
  Bytes munmap = {0xb8, 11, 0, 0, 0, 0x0f, 0x05, 0x48, 0x3d, 1, 0xf0, 0xff, 0xff, 0x73, 0x01, 0xc3, 0xf7, 0xd8, 0xc3};
  CHECK_EQ(syscall_site(munmap), 13u);
  // mov r10d, ecx; test r9d, 0xfff; jne error; mov eax, 9; syscall; cmp; ja error; ret; error: ...
  Bytes mmap = {0x41, 0x89, 0xca, 0x41, 0xf7, 0xc1, 0xff, 0x0f, 0,    0,    0x75, 0x10, 0xb8, 9,    0,    0,
                0,    0x0f, 0x05, 0x48, 0x3d, 0,    0xf0, 0xff, 0xff, 0x77, 0x01, 0xc3, 0x83, 0xc8, 0xff, 0xc3};
  CHECK_EQ(syscall_site(mmap), 25u);
}

TEST(syscall_site_follows_jumps) {
  // jmp L; error: or eax, -1; ret; L: mov eax, 11; syscall; cmp; jae error
  Bytes code = {0xeb, 0x04, 0x83, 0xc8, 0xff, 0xc3, 0xb8, 11,   0,    0,    0,
                0x0f, 0x05, 0x48, 0x3d, 1,    0xf0, 0xff, 0xff, 0x73, 0xed, 0xc3};
  CHECK_EQ(syscall_site(code), 19u);
}

TEST(syscall_site_joins_paths) {
  // test cl, 6; jne other; L: mov eax, 25; syscall; cmp rax, -1; je out; out: ret; other: xor r8d, r8d; jmp L
  Bytes code = {0xf6, 0xc1, 0x06, 0x75, 0x0e, 0xb8, 25,   0,    0,    0,    0x0f, 0x05,
                0x48, 0x83, 0xf8, 0xff, 0x74, 0x00, 0xc3, 0x45, 0x31, 0xc0, 0xeb, 0xed};
  CHECK_EQ(syscall_site(code), 16u);
  code[19] = 0x40, code[20] = 0x31, code[21] = 0xff;  // other: xor edi, edi
  CHECK_EQ(syscall_site(code), std::nullopt);
}

TEST(syscall_site_is_refused) {
  CHECK_EQ(syscall_site({}), std::nullopt);
  CHECK_EQ(syscall_site({0x55, 0xc3}), std::nullopt);
  CHECK_EQ(syscall_site({0xb8, 11, 0, 0, 0, 0x0f, 0x05, 0xc3}), std::nullopt);
  // changed before: xor edi, edi; syscall; je
  CHECK_EQ(syscall_site({0x31, 0xff, 0x0f, 0x05, 0x74, 0x00, 0xc3}), std::nullopt);
  // changed behind: syscall; mov rdi, rax; call
  CHECK_EQ(syscall_site({0x0f, 0x05, 0x48, 0x89, 0xc7, 0xe8, 0, 0, 0, 0, 0xc3}), std::nullopt);
  // called something before: call; syscall; je
  CHECK_EQ(syscall_site({0xe8, 0, 0, 0, 0, 0x0f, 0x05, 0x74, 0x00, 0xc3}), std::nullopt);
  // an error path joins: test edi, edi; je L; syscall; L: cmp rax, -1; je
  CHECK_EQ(syscall_site({0x85, 0xff, 0x74, 0x02, 0x0f, 0x05, 0x48, 0x83, 0xf8, 0xff, 0x74, 0x00, 0xc3}), std::nullopt);
  // two system calls: je L; syscall; je; ret; L: syscall; je; ret
  CHECK_EQ(syscall_site({0x74, 0x05, 0x0f, 0x05, 0x74, 0x00, 0xc3, 0x0f, 0x05, 0x74, 0x00, 0xc3}), std::nullopt);
}

TEST(sites_in_this_c_library) {
  std::string error;
  auto libc = ElfFile::open(libc_path(), &error);
  REQUIRE(libc != nullptr);
  int cheap = 0;
  for (const char *name : {"malloc", "calloc", "realloc", "memalign", "aligned_alloc", "posix_memalign"}) {
    Bytes code = libc_code(*libc, name);
    REQUIRE(!code.empty());
    auto site = pick_returnable_site(code.data(), code.size());
    cheap += site.single_stepped ? 0 : 1;
    printf("  %s+%u%s\n", name, site.offset, site.single_stepped ? " single-stepped" : "");
    REQUIRE(site.offset < code.size());
    Bytes at_site(code.begin() + site.offset, code.end());
    CHECK_EQ(emulated(at_site), !site.single_stepped);
  }
  CHECK(cheap >= 3);
  Bytes code = libc_code(*libc, "free");
  auto site = pick_entry_site(code.data(), code.size());
  printf("  free+%u%s\n", site.offset, site.single_stepped ? " single-stepped" : "");
  REQUIRE(site.offset < code.size());
  CHECK(!site.single_stepped);
}

TEST(syscall_sites_in_this_c_library) {
  std::string error;
  auto libc = ElfFile::open(libc_path(), &error);
  REQUIRE(libc != nullptr);
  for (const char *name : {"mmap", "munmap", "mremap"}) {
    Bytes code = libc_code(*libc, name);
    auto site = pick_syscall_site(code.data(), code.size());
    REQUIRE(site.has_value());
    printf("  %s+%u\n", name, site->offset);
    REQUIRE(site->offset + 1 < code.size());
    // glibc compares the result with -4095 and jumps if it is an error.
    CHECK(code[site->offset] >> 4 == 7 || code[site->offset] == 0x0f);
    auto syscall = std::string(code.begin(), code.begin() + site->offset).rfind("\x0f\x05");
    CHECK(syscall != std::string::npos && site->offset - syscall < 16);
  }
}
