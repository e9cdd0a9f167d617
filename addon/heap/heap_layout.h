// Where CPython 3.8 to 3.13 keep what the objects of a process are found by, and what they consist of: 64-bit builds
// with the global interpreter lock. Offsets that the versions share are constants here, with the structure and the
// field they are of; those that differ are in one table, taken from the headers of each version (offsetof).
#pragma once

#include <cstdint>
#include <optional>

namespace mp {

struct HeapLayout {
  int minor;

  // _PyRuntimeState (Include/internal/pycore_runtime.h; of 3.8 pycore_pystate.h) and PyInterpreterState
  uint32_t interpreters;      // from _PyRuntime to the newest interpreter
  uint32_t next_interpreter;  // from an interpreter to the next
  uint32_t collector;         // struct _gc_runtime_state: from the interpreter; of 3.8 from _PyRuntime
  uint32_t allocator;         // struct _obmalloc_state: from the interpreter; 0: static variables of obmalloc.c
  bool allocator_is_pointer;  // the interpreter holds its address

  // Objects/obmalloc.c, from 3.12 Include/internal/pycore_obmalloc.h
  uint32_t arena_bytes;
  uint32_t pool_bytes;

  // PyTypeObject, PyHeapTypeObject (Include/cpython/object.h)
  uint32_t type_bytes;
  uint32_t heap_type_bytes;
  uint32_t cached_keys;     // ht_cached_keys
  uint32_t qualified_name;  // ht_qualname
  uint32_t heap_type_name;  // ht_name

  // PyASCIIObject, PyCompactUnicodeObject, PyUnicodeObject (Include/cpython/unicodeobject.h)
  uint32_t ascii_bytes;
  uint32_t compact_bytes;
  uint32_t unicode_bytes;
  uint32_t utf8_length;
  uint32_t utf8;

  // PyCodeObject (Include/cpython/code.h)
  uint32_t code_extra;         // co_extra
  uint32_t code_stack_size;    // co_stacksize
  uint32_t code_locals;        // co_nlocalsplus, up to 3.10 co_nlocals
  uint32_t code_instructions;  // co_code_adaptive; 0: co_code is an object

  // PyFrameObject (Include/frameobject.h, Include/internal/pycore_frame.h)
  uint32_t frame_bytes;      // up to its _f_frame_data; up to 3.10 all but f_localsplus
  uint32_t frame_locals;     // f_localsplus; from 3.11 in an _PyInterpreterFrame
  uint32_t generator_frame;  // gi_iframe; 0: gi_frame is an object

  // The state of types that are no heap types, in the interpreter: types.builtins (static_builtin_state; of 3.13
  // managed_static_type_state). It holds their tp_dict.
  uint32_t static_types;       // 0: up to 3.11 they have it themselves
  uint32_t static_type_bytes;  // of an element, which begins with the address of the type
  uint32_t static_type_dict;
};

// nullopt for other versions.
std::optional<HeapLayout> heap_layout(int minor);

// ---- PyObject, PyVarObject, PyGC_Head ----
constexpr uint64_t kObjectType = 8, kObjectSize = 16, kObjectBytes = 16, kCollectorHeadBytes = 16;

constexpr uint32_t kMaxStaticTypes = 200;  // elements of types.builtins

// ---- PyTypeObject ----
enum TypeField : uint64_t {
  kTypeName = 24,
  kTypeBasicSize = 32,
  kTypeItemSize = 40,
  kTypeFlags = 168,
  kTypeWeakListOffset = 208,
  kTypeBase = 256,
  kTypeDict = 264,
  kTypeDictOffset = 288,
  kTypeBases = 336,
  kTypeMro = 344,
  kTypeCache = 352,
  kTypeSubclasses = 360,
  kTypeBytesRead = 376,
};

// Py_TPFLAGS_... (Include/object.h)
enum TypeFlag : uint64_t {
  kInlineValues = 1 << 2,    // from 3.13
  kManagedWeakref = 1 << 3,  // from 3.12
  kManagedDict = 1 << 4,     // from 3.11
  kHeapType = 1 << 9,
  kReady = 1 << 12,
  kHasCollectorHead = 1 << 14,
  kIsInt = 1 << 24,
  kIsList = 1 << 25,
  kIsTuple = 1 << 26,
  kIsBytes = 1 << 27,
  kIsStr = 1 << 28,
  kIsDict = 1 << 29,
  kIsException = 1 << 30,
  kIsType = 1u << 31,
};

// ---- struct _gc_runtime_state (Include/internal/pycore_gc.h; of 3.8 pycore_mem.h) ----
constexpr uint64_t kGenerations = 24, kGenerationBytes = 24, kGenerationCount = 3, kPermanentGeneration = 104,
                   kIsCollecting = 200;

// ---- struct _obmalloc_state ----
constexpr uint64_t kAllocatorArenas = 512;  // mgmt.arenas

}  // namespace mp
