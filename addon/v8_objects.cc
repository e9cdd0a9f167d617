#include "v8_objects.h"

#include <vector>

namespace mp {
namespace {

constexpr uint16_t kWordBytes = 8;

// ---- SharedFunctionInfo::flags (src/objects/shared-function-info.tq), the same in all versions ----

constexpr uint32_t kKindMask = 0x1f;
constexpr uint32_t kShownAsAnonymous = 1 << 25;  // made by new Function
constexpr uint32_t kIsTopLevel = 1 << 27;

// ---- Script::flags (src/objects/script.tq), the same in all versions ----

constexpr int32_t kIsEval = 1 << 0;

// enum FunctionKind (src/objects/function-kind.h), the same in all versions
enum Kind : uint8_t {
  kNormalFunction = 0,
  kAsyncModule = 2,
  kBaseConstructor = 3,
  kDerivedConstructor = 6,
  kGetterFunction = 7,
  kStaticSetterFunction = 10,
  kArrowFunction = 11,
  kAsyncArrowFunction = 12,
  kAsyncConciseMethod = 14,
  kAsyncConciseGeneratorMethod = 16,
  kStaticAsyncConciseGeneratorMethod = 17,
  kAsyncGeneratorFunction = 18,
  kGeneratorFunction = 19,
  kConciseGeneratorMethod = 20,
  kStaticConciseGeneratorMethod = 21,
  kStaticConciseMethod = 23,
  kClassMembersInitializerFunction = 24,
  kClassStaticInitializerFunction = 25,
};

V8FunctionKind kind_of(uint8_t kind, bool is_top_level) {
  if (is_top_level || (kind > kNormalFunction && kind <= kAsyncModule)) return V8FunctionKind::kTopLevel;
  if (kind >= kBaseConstructor && kind <= kDerivedConstructor) return V8FunctionKind::kClassConstructor;
  if (kind >= kGetterFunction && kind <= kStaticSetterFunction) return V8FunctionKind::kAccessor;
  if (kind == kArrowFunction || kind == kAsyncArrowFunction) return V8FunctionKind::kArrow;
  const bool is_async_method = kind >= kAsyncConciseMethod && kind <= kStaticAsyncConciseGeneratorMethod;
  const bool is_method = kind >= kConciseGeneratorMethod && kind <= kStaticConciseMethod;
  if (is_async_method || is_method) return V8FunctionKind::kMethod;
  if (kind == kClassMembersInitializerFunction || kind == kClassStaticInitializerFunction)
    return V8FunctionKind::kInitializer;
  return V8FunctionKind::kNormal;
}

// ---- ScopeInfo::flags (src/objects/scope-info.tq), the same in all versions ----

constexpr uint32_t kScopeTypeMask = 0xf;
constexpr uint32_t kHasSavedClassVariable = 1 << 10;
constexpr uint32_t kFunctionVariableMask = 3 << 12;
constexpr uint32_t kHasInferredFunctionName = 1 << 14;
constexpr uint32_t kIsEmpty = 1 << 29;

// From so many locals on their names are in a hash table (kScopeInfoMaxInlinedLocalNamesSize).
constexpr int32_t kMaxInlinedNames = 75;
constexpr int32_t kMaxLocals = 1 << 20;

constexpr std::string_view kAnonymous = "(anonymous)";

// "Class.method" is what V8 infers from the source text in front of "method".
std::string shown_name(const std::string &own, const std::string &inferred) {
  if (own.empty()) return inferred.empty() ? std::string(kAnonymous) : inferred;
  const bool is_qualified = inferred.size() > own.size() + 1 && inferred[inferred.size() - own.size() - 1] == '.' &&
                            inferred.compare(inferred.size() - own.size(), own.npos, own) == 0;
  return is_qualified ? inferred : own;
}

// From 12.4 on its name is that of the class.
std::string initializer_name(uint8_t kind, const std::string &name) {
  const std::string initializer =
      kind == kClassStaticInitializerFunction ? "<static_initializer>" : "<instance_members_initializer>";
  return name == kAnonymous || name == initializer ? initializer : name + "." + initializer;
}

}  // namespace

bool V8Objects::is_between(uint64_t object, uint16_t first_type, uint16_t last_type) {
  const auto type = memory_.type(object);
  return type && *type >= first_type && *type <= last_type;
}

std::optional<std::string> V8Objects::text_or_nothing(uint64_t word, size_t max_units) {
  if (!memory_.is_object(word)) return std::string();
  const auto type = memory_.type(word);
  if (!type) return std::nullopt;
  if (!is_v8_string(*type)) return std::string();
  const auto text = read_v8_text(memory_, word, max_units);
  return text ? std::optional(to_utf8(*text)) : std::nullopt;
}

std::optional<uint64_t> V8Objects::shared_of(uint64_t js_function) {
  const V8InstanceTypes &types = memory_.layout().types;
  if (!is_between(js_function, types.first_js_function, types.last_js_function)) return std::nullopt;
  const auto shared = memory_.word(js_function, memory_.layout().function_shared);
  return shared && memory_.is(*shared, types.shared_function_info) ? shared : std::nullopt;
}

// ScopeInfo is a list of words, most of which are there only if others say so.
bool V8Objects::read_scope(uint64_t scope_info, Names &names) {
  const V8Layout &layout = memory_.layout();
  const auto raw_flags = memory_.word(scope_info, layout.scope_flags);
  const auto locals = memory_.smi(scope_info, layout.scope_local_count);
  if (!raw_flags || !locals || *locals < 0 || *locals > kMaxLocals) return false;
  const uint32_t flags = layout.scope_flags_are_smi ? *raw_flags >> layout.tags.smi_shift : *raw_flags;
  const uint8_t type = flags & kScopeTypeMask;
  const V8ScopeTypes &scopes = layout.scopes;

  uint64_t at = layout.scope_locals;
  const auto next_words = [&](uint64_t count) {
    const uint64_t offset = at;
    at += count * kWordBytes;
    return offset;
  };
  if (layout.scope_has_module_count && type == scopes.module_scope) next_words(1);
  next_words(*locals < kMaxInlinedNames ? *locals : 1);  // names
  next_words(*locals);                                   // properties
  if ((flags & kHasSavedClassVariable) != 0) next_words(1);
  const auto read_name = [&](uint64_t offset, std::string &name) {
    const auto word = memory_.word(scope_info, offset);
    const auto text = word ? text_or_nothing(*word, kMaxNameUnits) : std::nullopt;
    if (text) name = *text;
    return text.has_value();
  };
  if ((flags & kFunctionVariableMask) != 0 && !read_name(next_words(2), names.own)) return false;
  if ((flags & kHasInferredFunctionName) != 0 && !read_name(next_words(1), names.inferred)) return false;
  const bool has_positions = layout.scope_positions != 0 || type == scopes.function_scope ||
                             type == scopes.script_scope || type == scopes.eval_scope || type == scopes.module_scope ||
                             (type == scopes.class_scope && (flags & kIsEmpty) == 0);
  if (!has_positions) return true;
  const uint64_t positions = layout.scope_positions != 0 ? layout.scope_positions : next_words(2);
  const auto start = memory_.smi(scope_info, positions), end = memory_.smi(scope_info, positions + kWordBytes);
  if (!start || !end || *start < 0 || *end < *start) return false;
  names.start = *start;
  names.end = *end;
  return true;
}

// SharedFunctionInfo::Name, inferred_name, StartPosition, EndPosition
std::optional<V8Objects::Names> V8Objects::names_of(uint64_t shared) {
  const V8Layout &layout = memory_.layout();
  Names names;
  const auto name = memory_.word(shared, layout.shared_name_or_scope_info);
  if (!name) return std::nullopt;
  if (memory_.is(*name, layout.types.scope_info)) {
    if (!read_scope(*name, names)) return std::nullopt;
    return names;
  }
  const auto own = text_or_nothing(*name, kMaxNameUnits);
  if (!own) return std::nullopt;
  names.own = *own;
  const auto data = memory_.word(shared, layout.shared_data);
  if (!data || !is_between(*data, layout.types.first_uncompiled_data, layout.types.last_uncompiled_data)) return names;
  const auto inferred = memory_.word(*data, layout.uncompiled_inferred_name);
  const auto text = inferred ? text_or_nothing(*inferred, kMaxNameUnits) : std::nullopt;
  const auto start = memory_.number<int32_t>(*data, layout.uncompiled_start);
  const auto end = memory_.number<int32_t>(*data, layout.uncompiled_end);
  if (!text || !start || !end || *start < 0 || *end < *start) return std::nullopt;
  names.inferred = *text;
  names.start = *start;
  names.end = *end;
  return names;
}

// 0: none.
std::optional<uint64_t> V8Objects::script_of(uint64_t shared) {
  const V8Layout &layout = memory_.layout();
  auto script = memory_.word(shared, layout.shared_script);
  if (script && layout.debug_info_script != 0 && memory_.is(*script, layout.types.debug_info))
    script = memory_.word(*script, layout.debug_info_script);
  const auto type = script ? memory_.type(*script) : std::nullopt;
  if (!type) return std::nullopt;
  return type == layout.types.script ? *script : 0;
}

// Script::GetNameOrSourceURL
std::optional<std::string> V8Objects::script_name(uint64_t script) {
  const V8Layout &layout = memory_.layout();
  const auto url = memory_.word(script, layout.script_source_url), name = memory_.word(script, layout.script_name);
  if (!url || !name) return std::nullopt;
  return text_or_nothing(v8_string_length(memory_, *url) ? *url : *name, kMaxScriptNameUnits);
}

bool V8Objects::read_script(uint64_t script, V8Function &function) {
  const auto id = memory_.smi(script, memory_.layout().script_id);
  auto name = script_name(script);
  if (!id || !name) return false;
  function.script = std::move(*name);
  function.script_id = *id;
  function.script_object = script;
  return true;
}

std::optional<V8Function> V8Objects::function(uint64_t shared) {
  const V8Layout &layout = memory_.layout();
  if (!memory_.is(shared, layout.types.shared_function_info)) return std::nullopt;
  const auto flags = memory_.number<uint32_t>(shared, layout.shared_flags);
  const auto names = names_of(shared);
  const auto script = script_of(shared);
  if (!flags || !names || !script) return std::nullopt;
  V8Function function;
  if (*script != 0 && !read_script(*script, function)) return std::nullopt;
  const uint8_t kind = *flags & kKindMask;
  function.kind = kind_of(kind, (*flags & kIsTopLevel) != 0);
  function.is_async = kind >= kAsyncArrowFunction && kind <= kAsyncGeneratorFunction;
  function.is_generator = kind >= kAsyncConciseGeneratorMethod && kind <= kStaticConciseGeneratorMethod;
  function.start_position = names->start;
  function.end_position = names->end;
  function.name = shown_name(names->own, names->inferred);
  if ((*flags & kShownAsAnonymous) != 0) function.name = "anonymous";
  if (function.kind == V8FunctionKind::kInitializer) function.name = initializer_name(kind, function.name);
  if (function.name == kAnonymous && function.kind == V8FunctionKind::kTopLevel && *script != 0) {
    const auto source_flags = memory_.smi(*script, layout.script_flags);
    if (source_flags && (*source_flags & kIsEval) != 0) function.name = "eval";
  }
  const std::string class_name = class_of(function);
  if (!class_name.empty()) function.name = class_name + "." + function.name;
  if (function.is_async) function.name = "async " + function.name;
  return function;
}

// Of methods, and of arrow functions that are the value of a field.
std::string V8Objects::class_of(const V8Function &function) {
  const bool is_member = function.kind == V8FunctionKind::kMethod || function.kind == V8FunctionKind::kAccessor ||
                         (function.kind == V8FunctionKind::kArrow && function.name != kAnonymous);
  Script *known = is_member && function.script_id != 0 ? known_script(function.script_object) : nullptr;
  if (known == nullptr) return "";
  if (!known->classes) {
    const auto text = source(function.script_object);
    if (!text) return "";
    known->classes = V8Classes(*text);
    count_kept(known->classes->size());
  }
  return std::string(known->classes->class_of(function.start_position));
}

// The interpreter counts from the tagged address of the BytecodeArray (InterpretedFrame::GetBytecodeOffset).
std::optional<uint32_t> V8Objects::byte_code_offset(uint64_t slot) const {
  const V8Layout &layout = memory_.layout();
  const auto offset = memory_.smi(slot);
  const int32_t first = layout.bytecode_bytes - layout.tags.heap_object_tag;
  if (!offset || *offset < first) return std::nullopt;
  return static_cast<uint32_t>(*offset - first);
}

std::optional<uint32_t> V8Objects::position(uint64_t byte_code_array, uint32_t offset) {
  const V8Layout &layout = memory_.layout();
  if (!memory_.is(byte_code_array, layout.types.bytecode_array)) return std::nullopt;
  const auto length = memory_.smi(byte_code_array, layout.bytecode_length);
  const auto table = memory_.word(byte_code_array, layout.bytecode_source_positions);
  if (!length || !table || *length < 0 || offset >= static_cast<uint32_t>(*length)) return std::nullopt;
  const auto type = memory_.type(*table);
  if (!type || (type != layout.types.byte_array && type != layout.types.trusted_byte_array)) return std::nullopt;
  const auto size = memory_.smi(*table, layout.array_length);
  const auto at = memory_.address(*table, layout.array_elements);
  if (!size || !at || *size < 0 || *size > kMaxTableBytes) return std::nullopt;
  std::vector<uint8_t> bytes(*size);
  if (!memory_.read_bytes(*at, bytes.data(), bytes.size())) return std::nullopt;
  return v8_source_position(bytes.data(), bytes.size(), offset);
}

std::optional<V8Text> V8Objects::source(uint64_t script) {
  const V8Layout &layout = memory_.layout();
  if (!memory_.is(script, layout.types.script)) return std::nullopt;
  const auto source = memory_.word(script, layout.script_source);
  return source ? read_v8_text(memory_, *source, kMaxSourceUnits) : std::nullopt;
}

V8Objects::Script *V8Objects::known_script(uint64_t script) {
  const V8Layout &layout = memory_.layout();
  if (!memory_.is(script, layout.types.script)) return nullptr;
  const auto id = memory_.smi(script, layout.script_id);
  const auto source = memory_.word(script, layout.script_source);
  const auto length = source ? v8_string_length(memory_, *source) : std::nullopt;
  const auto name = script_name(script);
  if (!id || !length || !name) return nullptr;
  if (kept_ >= kMaxKept) {
    scripts_.clear();
    kept_ = 0;
  }
  return &scripts_[std::to_string(*id) + " " + std::to_string(*length) + " " + *name];
}

void V8Objects::count_kept(size_t entries) {
  kept_ += entries + 1;
}

// Script::line_ends is there once V8 itself was asked for a line.
std::optional<V8Lines> V8Objects::read_lines(uint64_t script) {
  const V8Layout &layout = memory_.layout();
  const auto line = memory_.smi(script, layout.script_line_offset);
  const auto column = memory_.smi(script, layout.script_column_offset);
  const auto ends = memory_.word(script, layout.script_line_ends);
  if (!line || !column || !ends) return std::nullopt;
  V8Lines lines{{}, *line, *column};
  if (!memory_.is(*ends, layout.types.fixed_array)) {
    const auto text = source(script);
    if (!text) return std::nullopt;
    lines.ends = v8_line_ends(*text);
    return lines;
  }
  const auto count = memory_.smi(*ends, layout.array_length);
  const auto at = memory_.address(*ends, layout.array_elements);
  if (!count || !at || *count < 0 || *count > kMaxLines) return std::nullopt;
  std::vector<uint64_t> words(*count);
  if (!memory_.read_bytes(*at, words.data(), words.size() * kWordBytes)) return std::nullopt;
  for (uint64_t word : words) {
    const auto end = memory_.smi(word);
    if (!end || *end < 0 || (!lines.ends.empty() && static_cast<uint32_t>(*end) < lines.ends.back()))
      return std::nullopt;
    lines.ends.push_back(*end);
  }
  return lines;
}

std::optional<V8Location> V8Objects::location(uint64_t script, uint32_t position) {
  Script *known = known_script(script);
  if (known == nullptr) return std::nullopt;
  if (!known->lines) {
    known->lines = read_lines(script);
    count_kept(known->lines ? known->lines->ends.size() : 0);
  }
  return known->lines ? known->lines->location(position) : std::nullopt;
}

}  // namespace mp
