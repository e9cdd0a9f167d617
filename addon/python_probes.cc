#include "python_probes.h"

#include <algorithm>
#include <cstring>

#include "insn.h"
#include "process_memory.h"

namespace mp {
namespace {

constexpr uint64_t kTypeDestructor = 48;  // PyTypeObject.tp_dealloc
constexpr size_t kDecodedBytes = 64;      // of a function, to find a place for a probe
// References to the slot of an allocator function. A build that calls the exported functions has them in those
// functions only; one that inlines them compares the slot at each of some 190 places.
constexpr size_t kManyReferences = 16;

// Exported functions that call through the tables of the two allocators.
constexpr const char *kObjectMalloc = "PyObject_Malloc", *kRawMalloc = "PyMem_RawMalloc";

// PyMemAllocatorEx (Include/cpython/pymem.h)
struct AllocatorTable {
  uint64_t context, allocate, allocate_zeroed, reallocate, release;
};

// Targets of the rip-relative loads and jumps among the first instructions of a function.
std::vector<uint64_t> referenced_slots(const ElfFile &elf, uint64_t address) {
  std::vector<uint64_t> slots;
  const auto [code, size] = elf.bytes_at(address, kDecodedBytes);
  for (size_t i = 0; code && i + 7 <= size; i++) {
    const bool is_load = (code[i] & 0xfb) == 0x48 && code[i + 1] == 0x8b && (code[i + 2] & 0xc7) == 0x05;
    const bool is_jump = code[i] == 0xff && code[i + 1] == 0x25;
    if (!is_load && !is_jump) continue;
    const size_t displacement_at = i + (is_load ? 3 : 2);
    int32_t displacement;
    memcpy(&displacement, code + displacement_at, sizeof(displacement));
    slots.push_back(address + displacement_at + 4 + displacement);
  }
  std::sort(slots.begin(), slots.end());
  return slots;
}

// The displacement of the load that gives a function its first argument from a structure: mov disp(%rax), %rdi.
std::optional<int32_t> argument_displacement(const ElfFile &elf, uint64_t address) {
  const auto [code, size] = elf.bytes_at(address, kDecodedBytes);
  for (size_t i = 0; code && i + 7 <= size; i++) {
    if (code[i] != 0x48 || code[i + 1] != 0x8b) continue;
    int32_t displacement;
    memcpy(&displacement, code + i + 3, sizeof(displacement));
    if (code[i + 2] == 0xb8) return displacement;
    if (code[i + 2] == 0x78) return static_cast<int8_t>(code[i + 3]);
  }
  return std::nullopt;
}

// The table that an exported function like PyObject_Malloc calls through. It loads `context` and `allocate`, which are
// neighbours, relative to its own address or, from 3.12 on in a shared library, to that of _PyRuntime.
std::optional<uint64_t> find_table(const ElfFile &elf, const PythonImage &image, const char *function) {
  const auto symbol = elf.find_function(function);
  if (!symbol) return std::nullopt;
  const auto slots = referenced_slots(elf, symbol->address);
  for (size_t i = 0; i + 1 < slots.size(); i++)
    if (slots[i + 1] == slots[i] + 8) return slots[i];
  if (const auto displacement = argument_displacement(elf, symbol->address)) return image.runtime + *displacement;
  return std::nullopt;
}

size_t count_references(const ElfFile &elf, uint64_t slot) {
  const auto text = elf.section(".text");
  size_t count = 0;
  for (uint64_t i = 0; text && i + 4 <= text->size_bytes; i++) {
    int32_t displacement;
    memcpy(&displacement, text->data + i, sizeof(displacement));
    const uint64_t behind = text->address + i + 4 + displacement;
    count += behind == slot || behind + 1 == slot || behind + 4 == slot;  // an immediate may follow the displacement
  }
  return count;
}

std::optional<UprobeSite> site_of(const MappedPython &python, uint64_t function, uint32_t cookie, bool returns) {
  const uint64_t address = function - python.bias;
  const auto [code, size] = python.elf.bytes_at(address, kDecodedBytes);
  const auto offset = python.elf.file_offset(address);
  if (!code || !offset) return std::nullopt;  // not relocated yet, or the function of another module
  const ProbeSite site = returns ? pick_returnable_site(code, size) : pick_entry_site(code, size);
  return UprobeSite{*offset + site.offset, cookie};
}

std::optional<AllocatorTable> read_table(const MappedPython &python, const char *function) {
  const auto address = find_table(python.elf, python.image, function);
  return address ? read_memory<AllocatorTable>(python.pid, python.bias + *address) : std::nullopt;
}

}  // namespace

std::optional<UprobeSite> find_code_destructor(const MappedPython &python) {
  const uint64_t slot = python.bias + python.image.code_type + kTypeDestructor;
  const auto destructor = read_memory<uint64_t>(python.pid, slot);
  return destructor ? site_of(python, *destructor, MP_ALLOCATOR_NONE, false) : std::nullopt;
}

std::optional<PythonAllocatorSites> find_python_allocators(const MappedPython &python, bool raw) {
  PythonAllocatorSites sites;
  const auto address = find_table(python.elf, python.image, raw ? kRawMalloc : kObjectMalloc);
  if (!address) {
    sites.refused = "its allocator functions could not be found";
    return sites;
  }
  if (!raw && count_references(python.elf, *address + 8) >= kManyReferences) {
    sites.refused = "this build of Python has its allocator inlined";
    return sites;
  }
  const auto table = read_memory<AllocatorTable>(python.pid, python.bias + *address);
  if (!table) return std::nullopt;
  const std::pair<uint64_t, uint32_t> functions[] = {
      {table->allocate, MP_COOKIE(MP_ALLOCATOR_PYMALLOC_MALLOC, MP_SIGNATURE_SIZE)},
      {table->allocate_zeroed, MP_COOKIE(MP_ALLOCATOR_PYMALLOC_CALLOC, MP_SIGNATURE_PRODUCT)},
      {table->reallocate, MP_COOKIE(MP_ALLOCATOR_PYMALLOC_REALLOC, MP_SIGNATURE_REALLOC)},
  };
  for (const auto &[function, cookie] : functions) {
    const auto site = site_of(python, function, cookie | MP_COOKIE_CONTEXT, true);
    if (!site) return std::nullopt;
    sites.allocators.push_back(*site);
  }
  if (!raw) {
    const auto site =
        site_of(python, table->release, MP_COOKIE(MP_ALLOCATOR_PYMALLOC_FREE, 0) | MP_COOKIE_CONTEXT, false);
    if (!site) return std::nullopt;
    sites.deallocators.push_back(*site);
  }
  return sites;
}

bool has_raw_objects(const MappedPython &python) {
  const auto objects = read_table(python, kObjectMalloc), raw = read_table(python, kRawMalloc);
  return objects && raw && objects->allocate == raw->allocate;
}

}  // namespace mp
