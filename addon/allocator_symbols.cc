#include "allocator_symbols.h"

#include <algorithm>

namespace mp {
namespace {

constexpr auto kSimple = FunctionKind::kSimple;
constexpr auto kFree = FunctionKind::kFree;
constexpr auto kRanged = FunctionKind::kRanged;

struct Function {
  const char *name;
  FunctionKind kind;
  mp_allocator allocator;
  mp_signature signature = MP_SIGNATURE_SIZE;
  uint32_t flags = 0;
};

// C and POSIX, BSD (reallocf), old C libraries (cfree), C23 (free_sized), macOS (vfree).
constexpr Function kC[] = {
    {"malloc", kSimple, MP_ALLOCATOR_MALLOC},
    {"calloc", kSimple, MP_ALLOCATOR_CALLOC, MP_SIGNATURE_PRODUCT},
    {"realloc", kSimple, MP_ALLOCATOR_REALLOC, MP_SIGNATURE_REALLOC},
    {"reallocarray", kSimple, MP_ALLOCATOR_REALLOCARRAY, MP_SIGNATURE_REALLOC_PRODUCT},
    {"reallocf", kSimple, MP_ALLOCATOR_REALLOCF, MP_SIGNATURE_REALLOC, MP_COOKIE_FREES},
    {"posix_memalign", kSimple, MP_ALLOCATOR_POSIX_MEMALIGN, MP_SIGNATURE_STORED},
    {"aligned_alloc", kSimple, MP_ALLOCATOR_ALIGNED_ALLOC, MP_SIGNATURE_SECOND_SIZE},
    {"memalign", kSimple, MP_ALLOCATOR_MEMALIGN, MP_SIGNATURE_SECOND_SIZE},
    {"valloc", kSimple, MP_ALLOCATOR_VALLOC},
    {"pvalloc", kSimple, MP_ALLOCATOR_PVALLOC},
    {"free", kFree, MP_ALLOCATOR_FREE},
    {"cfree", kFree, MP_ALLOCATOR_CFREE},
    {"vfree", kFree, MP_ALLOCATOR_FREE},
    {"free_sized", kFree, MP_ALLOCATOR_FREE},
    {"free_aligned_sized", kFree, MP_ALLOCATOR_FREE},
};

constexpr Function kMappings[] = {
    {"mmap", kRanged, MP_ALLOCATOR_MMAP, MP_SIGNATURE_MAPPING},
    {"mmap64", kRanged, MP_ALLOCATOR_MMAP, MP_SIGNATURE_MAPPING},
    {"mremap", kRanged, MP_ALLOCATOR_MREMAP, MP_SIGNATURE_MAPPING},
    {"munmap", kRanged, MP_ALLOCATOR_MUNMAP, MP_SIGNATURE_MAPPING},
};

// Itanium C++ ABI: nw new, na new[], dl delete, da delete[]; m size_t, Pv void *.
constexpr Function kCxx[] = {
    {"_Znwm", kSimple, MP_ALLOCATOR_OPERATOR_NEW, MP_SIGNATURE_SIZE, MP_COOKIE_THROWS},
    {"_ZnwmSt11align_val_t", kSimple, MP_ALLOCATOR_OPERATOR_NEW, MP_SIGNATURE_SIZE, MP_COOKIE_THROWS},
    {"_ZnwmRKSt9nothrow_t", kSimple, MP_ALLOCATOR_OPERATOR_NEW},
    {"_ZnwmSt11align_val_tRKSt9nothrow_t", kSimple, MP_ALLOCATOR_OPERATOR_NEW},
    {"_Znam", kSimple, MP_ALLOCATOR_OPERATOR_NEW_ARRAY, MP_SIGNATURE_SIZE, MP_COOKIE_THROWS},
    {"_ZnamSt11align_val_t", kSimple, MP_ALLOCATOR_OPERATOR_NEW_ARRAY, MP_SIGNATURE_SIZE, MP_COOKIE_THROWS},
    {"_ZnamRKSt9nothrow_t", kSimple, MP_ALLOCATOR_OPERATOR_NEW_ARRAY},
    {"_ZnamSt11align_val_tRKSt9nothrow_t", kSimple, MP_ALLOCATOR_OPERATOR_NEW_ARRAY},
    {"_ZdlPv", kFree, MP_ALLOCATOR_FREE},
    {"_ZdlPvm", kFree, MP_ALLOCATOR_FREE},
    {"_ZdlPvSt11align_val_t", kFree, MP_ALLOCATOR_FREE},
    {"_ZdlPvmSt11align_val_t", kFree, MP_ALLOCATOR_FREE},
    {"_ZdlPvRKSt9nothrow_t", kFree, MP_ALLOCATOR_FREE},
    {"_ZdlPvSt11align_val_tRKSt9nothrow_t", kFree, MP_ALLOCATOR_FREE},
    {"_ZdaPv", kFree, MP_ALLOCATOR_FREE},
    {"_ZdaPvm", kFree, MP_ALLOCATOR_FREE},
    {"_ZdaPvSt11align_val_t", kFree, MP_ALLOCATOR_FREE},
    {"_ZdaPvmSt11align_val_t", kFree, MP_ALLOCATOR_FREE},
    {"_ZdaPvRKSt9nothrow_t", kFree, MP_ALLOCATOR_FREE},
    {"_ZdaPvSt11align_val_tRKSt9nothrow_t", kFree, MP_ALLOCATOR_FREE},
};

// jemalloc(3), the non-standard interface
constexpr Function kJemalloc[] = {
    {"mallocx", kSimple, MP_ALLOCATOR_MALLOCX},
    {"rallocx", kSimple, MP_ALLOCATOR_RALLOCX, MP_SIGNATURE_REALLOC},
    {"xallocx", kSimple, MP_ALLOCATOR_XALLOCX, MP_SIGNATURE_RESIZE},
    {"dallocx", kFree, MP_ALLOCATOR_FREE},
    {"sdallocx", kFree, MP_ALLOCATOR_FREE},
};

// What the crates jemallocator and tikv-jemallocator put before them.
constexpr const char *kRustJemalloc = "_rjem_";

// gperftools/tcmalloc.h; tc_malloc and so on are those of kC with a prefix
constexpr Function kTcmalloc[] = {
    {"tc_malloc_skip_new_handler", kSimple, MP_ALLOCATOR_MALLOC},
    {"tc_new", kSimple, MP_ALLOCATOR_OPERATOR_NEW, MP_SIGNATURE_SIZE, MP_COOKIE_THROWS},
    {"tc_new_aligned", kSimple, MP_ALLOCATOR_OPERATOR_NEW, MP_SIGNATURE_SIZE, MP_COOKIE_THROWS},
    {"tc_new_nothrow", kSimple, MP_ALLOCATOR_OPERATOR_NEW},
    {"tc_new_aligned_nothrow", kSimple, MP_ALLOCATOR_OPERATOR_NEW},
    {"tc_newarray", kSimple, MP_ALLOCATOR_OPERATOR_NEW_ARRAY, MP_SIGNATURE_SIZE, MP_COOKIE_THROWS},
    {"tc_newarray_aligned", kSimple, MP_ALLOCATOR_OPERATOR_NEW_ARRAY, MP_SIGNATURE_SIZE, MP_COOKIE_THROWS},
    {"tc_newarray_nothrow", kSimple, MP_ALLOCATOR_OPERATOR_NEW_ARRAY},
    {"tc_newarray_aligned_nothrow", kSimple, MP_ALLOCATOR_OPERATOR_NEW_ARRAY},
    {"tc_delete", kFree, MP_ALLOCATOR_FREE},
    {"tc_delete_sized", kFree, MP_ALLOCATOR_FREE},
    {"tc_delete_aligned", kFree, MP_ALLOCATOR_FREE},
    {"tc_delete_sized_aligned", kFree, MP_ALLOCATOR_FREE},
    {"tc_delete_nothrow", kFree, MP_ALLOCATOR_FREE},
    {"tc_delete_aligned_nothrow", kFree, MP_ALLOCATOR_FREE},
    {"tc_deletearray", kFree, MP_ALLOCATOR_FREE},
    {"tc_deletearray_sized", kFree, MP_ALLOCATOR_FREE},
    {"tc_deletearray_aligned", kFree, MP_ALLOCATOR_FREE},
    {"tc_deletearray_sized_aligned", kFree, MP_ALLOCATOR_FREE},
    {"tc_deletearray_nothrow", kFree, MP_ALLOCATOR_FREE},
    {"tc_deletearray_aligned_nothrow", kFree, MP_ALLOCATOR_FREE},
};

// mimalloc.h, without mi_ or mi_heap_; mi_malloc and so on are those of kC with a prefix. The alignment of *_aligned
// comes behind the arguments that are read. Each has a form with a heap before its arguments.
constexpr Function kMimalloc[] = {
    {"malloc", kSimple, MP_ALLOCATOR_MALLOC},
    {"malloc_small", kSimple, MP_ALLOCATOR_MALLOC},
    {"malloc_aligned", kSimple, MP_ALLOCATOR_MALLOC},
    {"malloc_aligned_at", kSimple, MP_ALLOCATOR_MALLOC},
    {"zalloc", kSimple, MP_ALLOCATOR_MALLOC},
    {"zalloc_small", kSimple, MP_ALLOCATOR_MALLOC},
    {"zalloc_aligned", kSimple, MP_ALLOCATOR_MALLOC},
    {"zalloc_aligned_at", kSimple, MP_ALLOCATOR_MALLOC},
    {"calloc", kSimple, MP_ALLOCATOR_CALLOC, MP_SIGNATURE_PRODUCT},
    {"mallocn", kSimple, MP_ALLOCATOR_CALLOC, MP_SIGNATURE_PRODUCT},
    {"calloc_aligned", kSimple, MP_ALLOCATOR_CALLOC, MP_SIGNATURE_PRODUCT},
    {"calloc_aligned_at", kSimple, MP_ALLOCATOR_CALLOC, MP_SIGNATURE_PRODUCT},
    {"realloc", kSimple, MP_ALLOCATOR_REALLOC, MP_SIGNATURE_REALLOC},
    {"rezalloc", kSimple, MP_ALLOCATOR_REALLOC, MP_SIGNATURE_REALLOC},
    {"expand", kSimple, MP_ALLOCATOR_REALLOC, MP_SIGNATURE_REALLOC},
    {"realloc_aligned", kSimple, MP_ALLOCATOR_REALLOC, MP_SIGNATURE_REALLOC},
    {"realloc_aligned_at", kSimple, MP_ALLOCATOR_REALLOC, MP_SIGNATURE_REALLOC},
    {"rezalloc_aligned", kSimple, MP_ALLOCATOR_REALLOC, MP_SIGNATURE_REALLOC},
    {"rezalloc_aligned_at", kSimple, MP_ALLOCATOR_REALLOC, MP_SIGNATURE_REALLOC},
    {"reallocf", kSimple, MP_ALLOCATOR_REALLOCF, MP_SIGNATURE_REALLOC, MP_COOKIE_FREES},
    {"reallocn", kSimple, MP_ALLOCATOR_REALLOCARRAY, MP_SIGNATURE_REALLOC_PRODUCT},
    {"recalloc", kSimple, MP_ALLOCATOR_REALLOCARRAY, MP_SIGNATURE_REALLOC_PRODUCT},
    {"recalloc_aligned", kSimple, MP_ALLOCATOR_REALLOCARRAY, MP_SIGNATURE_REALLOC_PRODUCT},
    {"recalloc_aligned_at", kSimple, MP_ALLOCATOR_REALLOCARRAY, MP_SIGNATURE_REALLOC_PRODUCT},
    {"alloc_new", kSimple, MP_ALLOCATOR_OPERATOR_NEW, MP_SIGNATURE_SIZE, MP_COOKIE_THROWS},
    {"alloc_new_n", kSimple, MP_ALLOCATOR_OPERATOR_NEW, MP_SIGNATURE_PRODUCT, MP_COOKIE_THROWS},
};

constexpr Function kMimallocCxx[] = {
    {"mi_new", kSimple, MP_ALLOCATOR_OPERATOR_NEW, MP_SIGNATURE_SIZE, MP_COOKIE_THROWS},
    {"mi_new_aligned", kSimple, MP_ALLOCATOR_OPERATOR_NEW, MP_SIGNATURE_SIZE, MP_COOKIE_THROWS},
    {"mi_new_n", kSimple, MP_ALLOCATOR_OPERATOR_NEW, MP_SIGNATURE_PRODUCT, MP_COOKIE_THROWS},
    {"mi_new_realloc", kSimple, MP_ALLOCATOR_REALLOC, MP_SIGNATURE_REALLOC, MP_COOKIE_THROWS},
    {"mi_new_reallocn", kSimple, MP_ALLOCATOR_REALLOCARRAY, MP_SIGNATURE_REALLOC_PRODUCT, MP_COOKIE_THROWS},
    {"mi_new_nothrow", kSimple, MP_ALLOCATOR_OPERATOR_NEW},
    {"mi_new_aligned_nothrow", kSimple, MP_ALLOCATOR_OPERATOR_NEW},
    {"mi_free_size", kFree, MP_ALLOCATOR_FREE},
    {"mi_free_aligned", kFree, MP_ALLOCATOR_FREE},
    {"mi_free_size_aligned", kFree, MP_ALLOCATOR_FREE},
};

// A name that is there already keeps its meaning.
template <size_t count>
void add(std::vector<AllocatorSymbol> &symbols, const Function (&functions)[count], const std::string &prefix,
         NameScope scope, uint32_t flags = 0, AllocatorFamily family = AllocatorFamily::kC) {
  for (const Function &function : functions) {
    const std::string name = prefix + function.name;
    const bool is_known =
        std::any_of(symbols.begin(), symbols.end(), [&](const AllocatorSymbol &one) { return one.name == name; });
    if (is_known) continue;
    const uint32_t cookie = MP_COOKIE(function.allocator, function.signature) | function.flags | flags;
    symbols.push_back({name, function.kind, cookie, scope, family});
  }
}

}  // namespace

std::vector<AllocatorSymbol> allocator_symbols(const std::vector<std::string> &prefixes) {
  std::vector<AllocatorSymbol> symbols;
  add(symbols, kC, "", NameScope::kExported);
  add(symbols, kMappings, "", NameScope::kExported);
  add(symbols, kCxx, "", NameScope::kProgram, 0, AllocatorFamily::kCxx);
  add(symbols, kJemalloc, "", NameScope::kProgram);
  add(symbols, kC, "tc_", NameScope::kProgram);
  add(symbols, kTcmalloc, "", NameScope::kProgram);
  add(symbols, kC, "mi_", NameScope::kProgram);
  add(symbols, kMimalloc, "mi_", NameScope::kProgram);
  add(symbols, kMimalloc, "mi_heap_", NameScope::kProgram, MP_COOKIE_CONTEXT);
  add(symbols, kMimallocCxx, "", NameScope::kProgram);
  add(symbols, kC, kRustJemalloc, NameScope::kProgram);
  add(symbols, kJemalloc, kRustJemalloc, NameScope::kProgram);
  for (const std::string &prefix : prefixes) {
    add(symbols, kC, prefix, NameScope::kAnywhere);
    add(symbols, kJemalloc, prefix, NameScope::kAnywhere);
  }
  return symbols;
}

}  // namespace mp
