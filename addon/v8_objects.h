// What V8 knows of a JavaScript function: its name, its script, and the source position of a byte code.
//
// Read from the memory of a running program, see v8_memory.h. The garbage collector moves objects: a result is true if
// the caller knows that no mark-compact collection began or ended between the time the words were taken from a frame
// and the return of these functions. Code, functions' data and scripts stay where they are until the next one; a
// JSFunction may also be moved by a collection of the young generation, and is then not found.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "v8_classes.h"
#include "v8_memory.h"
#include "v8_positions.h"
#include "v8_strings.h"

namespace mp {

enum class V8FunctionKind : uint8_t { kNormal, kTopLevel, kArrow, kMethod, kAccessor, kClassConstructor, kInitializer };

struct V8Function {
  std::string name;       // "Class.method", "async fn", "(anonymous)"
  std::string script;     // path, URL, "node:fs"; "": none, as of built-in functions and eval
  int32_t script_id = 0;  // unique in an isolate; 0: built into V8
  uint64_t script_object = 0;
  // UTF-16 code units of the source text, from the list of parameters to the end of the body; 0, 0: not known.
  uint32_t start_position = 0, end_position = 0;
  V8FunctionKind kind = V8FunctionKind::kNormal;
  bool is_async = false, is_generator = false;
};

class V8Objects {
 public:
  static constexpr size_t kMaxNameUnits = 256;
  static constexpr size_t kMaxScriptNameUnits = 4096;
  static constexpr size_t kMaxSourceUnits = 32 << 20;
  static constexpr int32_t kMaxLines = 4 << 20;
  static constexpr int32_t kMaxTableBytes = 4 << 20;
  static constexpr size_t kMaxKept = 4 << 20;  // lines, and members of classes, of all scripts

  V8Objects(const V8Layout &layout, MemoryReader reader) : memory_(layout, std::move(reader)) {}

  // The SharedFunctionInfo of a JSFunction; nullopt if it is none, or is just being moved.
  std::optional<uint64_t> shared_of(uint64_t js_function);
  // nullopt if it is no SharedFunctionInfo, or can't be read.
  std::optional<V8Function> function(uint64_t shared);

  // The offset of a byte code from the first one of its BytecodeArray, from the slot of an interpreted frame.
  std::optional<uint32_t> byte_code_offset(uint64_t slot) const;
  // The source position of the byte code at `offset`; nullopt if V8 has made no table of positions. Node asks for one
  // of each function (DETAILED_SOURCE_POSITIONS_FOR_PROFILING in its src/node.h); otherwise they are made when an
  // exception is thrown through it.
  std::optional<uint32_t> position(uint64_t byte_code_array, uint32_t offset);

  // The source text, kMaxSourceUnits of it at most.
  std::optional<V8Text> source(uint64_t script);
  std::optional<V8Location> location(uint64_t script, uint32_t position);

  // Memory is read anew from here on, with new limits. What was found in the source texts of scripts is kept: their
  // number, name and length say whether it is the same script. (Numbers are those of an isolate; two workers that have
  // loaded different texts of the same length, under the same name and number, would be taken for one.)
  void forget() { memory_.forget(); }

  V8Memory &memory() { return memory_; }
  const V8Memory &memory() const { return memory_; }

 private:
  struct Names {
    std::string own, inferred;
    uint32_t start = 0, end = 0;
  };
  // What is found in a source text, as far as it was asked for.
  struct Script {
    std::optional<V8Lines> lines;
    std::optional<V8Classes> classes;
  };

  bool is_between(uint64_t object, uint16_t first_type, uint16_t last_type);
  // "" if it is no string, or an empty one; nullopt if it is one that can't be read.
  std::optional<std::string> text_or_nothing(uint64_t word, size_t max_units);
  std::optional<Names> names_of(uint64_t shared);
  bool read_scope(uint64_t scope_info, Names &names);
  std::optional<uint64_t> script_of(uint64_t shared);
  bool read_script(uint64_t script, V8Function &function);
  std::optional<std::string> script_name(uint64_t script);
  std::string class_of(const V8Function &function);
  std::optional<V8Lines> read_lines(uint64_t script);
  // nullptr if it can't be told from others.
  Script *known_script(uint64_t script);
  void count_kept(size_t entries);

  V8Memory memory_;
  std::unordered_map<std::string, Script> scripts_;  // by what known_script() says
  size_t kept_ = 0;                                  // lines, and members of classes
};

}  // namespace mp
