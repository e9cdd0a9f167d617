// Any bytes as a function. A site must lie on an instruction of it, and on an emulated one unless it says otherwise.
#include <cstdlib>

#include "insn.h"
#include "x86_decode.h"

namespace {

void check_site(const mp::ProbeSite &site, const uint8_t *code, size_t size_bytes) {
  if (site.offset == 0 && site.single_stepped) return;
  if (site.single_stepped || site.offset >= size_bytes) abort();
  auto instruction = mp::decode_instruction(code + site.offset, size_bytes - site.offset);
  if (!instruction || !instruction->emulated) abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *code, size_t size_bytes) {
  for (size_t at = 0; at < size_bytes;) {
    auto instruction = mp::decode_instruction(code + at, size_bytes - at);
    if (instruction && (instruction->length_bytes == 0 || instruction->length_bytes > 15)) abort();
    at += instruction ? instruction->length_bytes : 1;
    if (at > size_bytes) abort();
  }
  check_site(mp::pick_returnable_site(code, size_bytes), code, size_bytes);
  check_site(mp::pick_entry_site(code, size_bytes), code, size_bytes);
  for (const bool returns : {false, true}) {
    const auto argument_site = mp::pick_argument_site(code, size_bytes, 4, returns);
    check_site(argument_site, code, size_bytes);
    for (const uint8_t number : argument_site.registers)
      if (number > 15) abort();
  }
  auto site = mp::pick_syscall_site(code, size_bytes);
  if (site) check_site(*site, code, size_bytes);
  if (site && site->single_stepped) abort();
  return 0;
}
