// Functions, scripts and positions of a V8 made by hand: every layout, and memory that is damaged, ends or goes round
// in circles.
#include "v8_objects.h"

#include <functional>

#include "check.h"
#include "made_v8.h"

using namespace mp;

namespace {

// enum FunctionKind
enum : uint32_t { kNormal = 0, kConstructor = 3, kGetter = 7, kArrow = 11, kAsync = 13, kAsyncMethod = 14 };
enum : uint32_t { kGenerator = 19, kMethod = 22, kInitializer = 24, kStaticInitializer = 25 };
constexpr uint32_t kNewFunction = 1 << 25, kTopLevel = 1 << 27;

V8Objects objects_of(const MadeV8 &made) {
  return V8Objects(made.layout,
                   [&made](uint64_t address, void *to, size_t size) { return made.read(address, to, size); });
}

// "name script#id start-end"; "none"
std::string show(const std::optional<V8Function> &function) {
  if (!function) return "none";
  return function->name + " " + function->script + "#" + std::to_string(function->script_id) + " " +
         std::to_string(function->start_position) + "-" + std::to_string(function->end_position);
}

std::string function_of(const MadeV8 &made, uint64_t shared) {
  return show(objects_of(made).function(shared));
}

std::string name_of(const MadeV8 &made, uint64_t shared) {
  const auto function = objects_of(made).function(shared);
  return function ? function->name : "none";
}

std::string show(const std::optional<V8Location> &location) {
  return location ? std::to_string(location->line) + ":" + std::to_string(location->column) : "none";
}

// One function in one script, and where it is in its second line.
struct Program {
  explicit Program(int version) : made(version) {
    const std::string text = "class A {\n  method() { call() }\n}\n";
    script = made.script(7, made.one_byte("/a/b.js"), made.one_byte(text), made.undefined);
    scope = made.scope_info({made.one_byte("method"), made.one_byte(""), 18, 31, 2, false, false});
    shared = made.shared(scope, script, kMethod);
    function = made.js_function(shared);
    // from byte code 0 on position 20, from 4 on 23
    byte_code = made.bytecode_array(8, made.byte_array({2, 84, 8, 12}));
  }

  std::string read() {
    return read([](uint64_t) { return true; });
  }

  // `at_read` is called before each read with its number, from 0 on, and says whether it may succeed.
  std::string read(const std::function<bool(uint64_t)> &at_read) {
    uint64_t reads = 0;
    V8Objects objects(made.layout, [&](uint64_t address, void *to, size_t size) {
      return at_read(reads++) && made.read(address, to, size);
    });
    const auto found = objects.shared_of(function);
    const auto described = found ? objects.function(*found) : std::nullopt;
    const auto position = objects.position(byte_code, 5);
    const auto location = described && position ? objects.location(described->script_object, *position) : std::nullopt;
    CHECK(reads <= V8Memory::kMaxReads);
    return show(described) + " " + show(location);
  }

  MadeV8 made;
  uint64_t script, scope, shared, function, byte_code;
};

constexpr const char *kProgram = "A.method /a/b.js#7 18-31 2:14";

}  // namespace

TEST(every_layout) {
  for (int version = 0; version < kMadeV8Versions; version++) CHECK_EQ(Program(version).read(), kProgram);
}

TEST(a_layout_is_not_another_one) {
  for (int version = 0; version < kMadeV8Versions; version++) {
    Program program(version);
    for (int other = 0; other < kMadeV8Versions; other++) {
      if (other == version) continue;
      V8Objects objects(made_v8_layout(other),
                        [&](uint64_t address, void *to, size_t size) { return program.made.read(address, to, size); });
      CHECK(!objects.shared_of(program.function));
      CHECK(!objects.function(program.shared));
    }
  }
}

TEST(scopes) {
  for (int version = 0; version < kMadeV8Versions; version++) {
    MadeV8 made(version);
    const uint64_t name = made.one_byte("name"), script = made.script(1, made.one_byte("s"), name, made.undefined);
    for (int32_t locals : {0, 1, 74, 75, 1000}) {
      for (bool is_module : {false, true}) {
        for (bool has_class_variable : {false, true}) {
          const uint64_t scope = made.scope_info({name, 0, 10, 20, locals, is_module, has_class_variable});
          CHECK_EQ(function_of(made, made.shared(scope, script)), "name s#1 10-20");
          const uint64_t inferred = made.scope_info({0, name, 10, 20, locals, is_module, has_class_variable});
          CHECK_EQ(function_of(made, made.shared(inferred, script)), "name s#1 10-20");
        }
      }
    }
    CHECK_EQ(function_of(made, made.shared(made.scope_info({name, 0, 20, 10}), script)), "none");
    CHECK_EQ(function_of(made, made.shared(made.scope_info({name, 0, -1, 10}), script)), "none");
    CHECK_EQ(function_of(made, made.shared(made.scope_info({MadeV8::smi(0), 0, 1, 2}), script)), "(anonymous) s#1 1-2");
    for (int32_t locals : {-1, 1 << 21}) {
      const uint64_t scope = made.scope_info({name, 0, 1, 2});
      made.put(scope, made.layout.scope_local_count, MadeV8::smi(locals));
      CHECK_EQ(function_of(made, made.shared(scope, script)), "none");
    }
  }
}

TEST(functions_that_were_not_compiled) {
  for (int version = 0; version < kMadeV8Versions; version++) {
    MadeV8 made(version);
    const uint64_t script = made.script(1, made.one_byte("s"), made.undefined, made.undefined);
    const uint64_t lazy = made.shared(made.one_byte("lazy"), script);
    made.put(lazy, made.layout.shared_data, made.uncompiled(made.one_byte("X.lazy"), 5, 9));
    CHECK_EQ(function_of(made, lazy), "X.lazy s#1 5-9");
    const uint64_t builtin = made.shared(made.one_byte("forEach"), made.undefined);
    made.put(builtin, made.layout.shared_data, MadeV8::smi(500));
    CHECK_EQ(function_of(made, builtin), "forEach #0 0-0");
    CHECK_EQ(function_of(made, made.shared(MadeV8::smi(0), made.undefined)), "(anonymous) #0 0-0");
  }
}

TEST(names) {
  MadeV8 made(1);
  const uint64_t script = made.script(1, made.one_byte("s"), made.undefined, made.undefined);
  const auto shown = [&](const std::string &own, const std::string &inferred, uint32_t kind) {
    const uint64_t scope = made.scope_info({made.one_byte(own), made.one_byte(inferred), 1, 2});
    return name_of(made, made.shared(scope, script, kind));
  };
  CHECK_EQ(shown("fn", "object.fn", kNormal), "object.fn");
  CHECK_EQ(shown("fn", "object.other", kNormal), "fn");
  CHECK_EQ(shown("fn", "objectfn", kNormal), "fn");
  CHECK_EQ(shown("", "object.fn", kNormal), "object.fn");
  CHECK_EQ(shown("", "", kNormal), "(anonymous)");
  CHECK_EQ(shown("", "", kNormal | kNewFunction), "anonymous");
  CHECK_EQ(shown("fn", "", kAsync), "async fn");
  CHECK_EQ(shown("", "", kAsync), "async (anonymous)");
  CHECK_EQ(shown("fn", "", kGenerator), "fn");
  CHECK_EQ(shown("Class", "", kConstructor), "Class");
  CHECK_EQ(shown("Class", "", kInitializer), "Class.<instance_members_initializer>");
  CHECK_EQ(shown("<instance_members_initializer>", "", kInitializer), "<instance_members_initializer>");
  CHECK_EQ(shown("", "", kStaticInitializer), "<static_initializer>");
  CHECK_EQ(shown("", "", kNormal | kTopLevel), "(anonymous)");
  made.put(script, made.layout.script_flags, MadeV8::smi(1));
  CHECK_EQ(shown("", "", kNormal | kTopLevel), "eval");
  CHECK_EQ(shown("", "", kNormal), "(anonymous)");
  CHECK_EQ(shown(std::string(1000, 'x'), "", kNormal), std::string(256, 'x'));
}

TEST(kinds) {
  MadeV8 made(3);
  const auto kind_of = [&](uint32_t kind) {
    return objects_of(made).function(made.shared(made.one_byte("f"), made.undefined, kind)).value_or(V8Function());
  };
  CHECK_EQ(kind_of(kArrow).kind, V8FunctionKind::kArrow);
  CHECK_EQ(kind_of(kMethod).kind, V8FunctionKind::kMethod);
  CHECK_EQ(kind_of(kGetter).kind, V8FunctionKind::kAccessor);
  CHECK_EQ(kind_of(kConstructor).kind, V8FunctionKind::kClassConstructor);
  CHECK_EQ(kind_of(1).kind, V8FunctionKind::kTopLevel);
  CHECK_EQ(kind_of(kNormal | kTopLevel).kind, V8FunctionKind::kTopLevel);
  CHECK_EQ(kind_of(31).kind, V8FunctionKind::kNormal);
  CHECK(kind_of(kAsyncMethod).is_async);
  CHECK(!kind_of(kAsyncMethod).is_generator);
  CHECK(kind_of(kGenerator).is_generator);
  CHECK(!kind_of(kGenerator).is_async);
  CHECK(kind_of(18).is_async && kind_of(18).is_generator);
  CHECK(!kind_of(kMethod).is_async && !kind_of(kMethod).is_generator);
}

TEST(classes_of_methods) {
  MadeV8 made(2);
  const std::string text = "class A { m() {} get g() {} f = () => 1; async n() {} } const o = { m() {} }";
  const uint64_t script = made.script(1, made.one_byte("s"), made.one_byte(text), made.undefined);
  const auto shown = [&](const std::string &own, uint32_t kind, size_t start) {
    const uint64_t scope = made.scope_info({made.one_byte(own), 0, static_cast<int32_t>(start), 1000});
    return name_of(made, made.shared(scope, script, kind));
  };
  CHECK_EQ(shown("m", kMethod, text.find("() {}")), "A.m");
  CHECK_EQ(shown("", kMethod, text.find("() {}")), "A.(anonymous)");
  CHECK_EQ(shown("get g", kGetter, text.find("() {} f")), "A.get g");
  CHECK_EQ(shown("f", kArrow, text.find("() =>")), "A.f");
  CHECK_EQ(shown("", kArrow, text.find("() =>")), "(anonymous)");
  CHECK_EQ(shown("n", kAsyncMethod, text.find("() {} }")), "async A.n");
  CHECK_EQ(shown("m", kMethod, text.rfind("() {}")), "m");
  CHECK_EQ(shown("m", kNormal, text.find("() {}")), "m");
}

TEST(scripts) {
  for (int version = 0; version < kMadeV8Versions; version++) {
    MadeV8 made(version);
    const uint64_t named = made.script(3, made.two_byte(u"/größe.js"), made.undefined, made.undefined);
    const uint64_t name = made.one_byte("f");
    CHECK_EQ(function_of(made, made.shared(name, named)), "f /größe.js#3 0-0");
    const uint64_t none = made.script(4, made.undefined, made.undefined, made.undefined);
    CHECK_EQ(function_of(made, made.shared(name, none)), "f #4 0-0");
    made.put(named, made.layout.script_source_url, made.one_byte("file:///x.ts"));
    CHECK_EQ(function_of(made, made.shared(name, named)), "f file:///x.ts#3 0-0");
    if (made.layout.debug_info_script == 0) continue;
    const uint64_t debug_info = made.object(made.layout.types.debug_info, 80);
    made.put(debug_info, made.layout.debug_info_script, named);
    CHECK_EQ(function_of(made, made.shared(name, debug_info)), "f file:///x.ts#3 0-0");
  }
}

TEST(offsets_in_frames) {
  for (int version = 0; version < kMadeV8Versions; version++) {
    const MadeV8 made(version);
    const V8Objects objects = objects_of(made);
    const int32_t first = made.layout.bytecode_bytes - 1;
    CHECK_EQ(objects.byte_code_offset(MadeV8::smi(first)), 0u);
    CHECK_EQ(objects.byte_code_offset(MadeV8::smi(first + 300)), 300u);
    CHECK_EQ(objects.byte_code_offset(MadeV8::smi(first - 1)), std::nullopt);
    CHECK_EQ(objects.byte_code_offset(MadeV8::smi(-1)), std::nullopt);
    // a FeedbackVector or a FeedbackCell, in frames of compiled code
    CHECK_EQ(objects.byte_code_offset(made.undefined), std::nullopt);
    CHECK_EQ(objects.byte_code_offset(MadeV8::smi(first) | 2), std::nullopt);
  }
}

TEST(positions) {
  for (int version = 0; version < kMadeV8Versions; version++) {
    MadeV8 made(version);
    const auto position = [&](uint64_t byte_code, uint32_t offset) {
      return objects_of(made).position(byte_code, offset);
    };
    const uint64_t table = made.byte_array({2, 84, 8, 12});
    const uint64_t byte_code = made.bytecode_array(8, table);
    CHECK_EQ(position(byte_code, 0), 20u);
    CHECK_EQ(position(byte_code, 7), 23u);
    CHECK_EQ(position(byte_code, 8), std::nullopt);
    CHECK_EQ(position(table, 0), std::nullopt);
    // without a table: undefined, from 12.4 on Smi 0
    CHECK_EQ(position(made.bytecode_array(8, made.undefined), 0), std::nullopt);
    CHECK_EQ(position(made.bytecode_array(8, MadeV8::smi(0)), 0), std::nullopt);
    CHECK_EQ(position(made.bytecode_array(8, made.byte_array({})), 0), std::nullopt);
    for (int32_t size : {-1, INT32_MAX, 5 << 20}) {
      made.put(table, made.layout.array_length, MadeV8::smi(size));
      CHECK_EQ(position(byte_code, 0), std::nullopt);
    }
  }
}

TEST(locations) {
  for (int version = 0; version < kMadeV8Versions; version++) {
    MadeV8 made(version);
    const auto location = [&](uint64_t script, uint32_t position) {
      return show(objects_of(made).location(script, position));
    };
    const uint64_t text = made.one_byte("one\r\ntwo\nthree"), name = made.one_byte("s");
    const uint64_t counted = made.fixed_array({MadeV8::smi(4), MadeV8::smi(8), MadeV8::smi(14)});
    for (uint64_t line_ends : {counted, made.undefined, MadeV8::smi(0)}) {
      const uint64_t script = made.script(1, name, text, line_ends);
      CHECK_EQ(location(script, 0), "1:1");
      CHECK_EQ(location(script, 5), "2:1");
      CHECK_EQ(location(script, 11), "3:3");
      CHECK_EQ(location(script, 15), "none");
      made.put(script, made.layout.script_line_offset, MadeV8::smi(10));
      made.put(script, made.layout.script_column_offset, MadeV8::smi(20));
      CHECK_EQ(location(script, 1), "11:22");
      CHECK_EQ(location(script, 5), "12:1");
    }
    for (const std::vector<uint64_t> &damaged :
         {std::vector<uint64_t>{}, {MadeV8::smi(8), MadeV8::smi(4)}, {made.undefined}, {MadeV8::smi(-1)}})
      CHECK_EQ(location(made.script(1, name, text, made.fixed_array(damaged)), 0), "none");
    made.put(counted, made.layout.array_length, MadeV8::smi(INT32_MAX));
    CHECK_EQ(location(made.script(1, name, text, counted), 0), "none");
    CHECK_EQ(location(made.script(1, name, made.undefined, made.undefined), 0), "none");
    CHECK_EQ(location(text, 0), "none");
  }
}

// The text of a script is read once, whatever becomes of its memory, but for one of another length, name or number.
TEST(texts_are_kept) {
  MadeV8 made(2);
  const uint64_t name = made.one_byte("s"), one = made.one_byte("a\nb"), two = made.one_byte("abc"),
                 other = made.one_byte("abcd");
  const uint64_t script = made.script(1, name, one, made.undefined);
  V8Objects objects = objects_of(made);
  CHECK_EQ(show(objects.location(script, 2)), "2:1");
  objects.forget();
  made.put(script, made.layout.script_source, two);
  CHECK_EQ(show(objects.location(script, 2)), "2:1");
  made.put(script, made.layout.script_source, other);
  objects.forget();
  CHECK_EQ(show(objects.location(script, 2)), "1:3");
  made.put(script, made.layout.script_source, two);
  made.put(script, made.layout.script_id, MadeV8::smi(2));
  objects.forget();
  CHECK_EQ(show(objects.location(script, 2)), "1:3");
}

TEST(functions_that_are_being_moved) {
  for (int version = 0; version < kMadeV8Versions; version++) {
    Program program(version);
    const uint64_t map = program.made.get(program.function, 0);
    program.made.put(program.function, 0, program.shared - 1);
    CHECK_EQ(program.read(), "none none");
    program.made.put(program.function, 0, map);
    CHECK_EQ(program.read(), kProgram);
  }
}

// The process ends, or a page cannot be read.
TEST(memory_that_cannot_be_read) {
  for (int version = 0; version < kMadeV8Versions; version++) {
    Program program(version);
    uint64_t count = 0;
    program.read([&](uint64_t read) { return count = read, true; });
    for (uint64_t end = 0; end <= count; end++) {
      CHECK(program.read([&](uint64_t read) { return read < end; }) != kProgram);
      program.read([&](uint64_t read) { return read != end; });
    }
  }
}

// Every word, one after the other, has each of some values.
TEST(damaged_memory) {
  for (int version = 0; version < kMadeV8Versions; version++) {
    Program program(version);
    for (size_t at = 0; at < program.made.bytes.size(); at += 8) {
      const uint64_t object = MadeV8::kBase + at + 1, word = program.made.get(object, 0);
      for (uint64_t damaged : {uint64_t{0}, uint64_t{1}, word + 1, word - 8, word | 0xff00, word << 8, ~word,
                               ~uint64_t{0}, object, program.scope, program.script, program.byte_code, MadeV8::smi(-1),
                               MadeV8::smi(INT32_MAX), uint64_t{0x00000fff00000fff}}) {
        program.made.put(object, 0, damaged);
        program.read();
      }
      program.made.put(object, 0, word);
    }
    CHECK_EQ(program.read(), kProgram);
  }
}

// All is everywhere: each object has each type, and every array and text the longest that is read.
TEST(endless_memory_ends) {
  for (int version = 0; version < kMadeV8Versions; version++) {
    const V8InstanceTypes &types = made_v8_layout(version).types;
    for (uint64_t type :
         {types.map, types.shared_function_info, types.script, types.scope_info, types.first_js_function,
          types.bytecode_array, types.fixed_array, uint16_t{33}, uint16_t{35}, uint16_t{40}}) {
      for (uint64_t word : {uint64_t{1}, uint64_t{0x0010000000000000}, ~uint64_t{0}}) {
        uint64_t reads = 0, bytes = 0;
        V8Objects objects(made_v8_layout(version), [&](uint64_t address, void *to, size_t size) {
          for (size_t i = 0; i < size; i++) {
            const uint64_t at = address + i;
            // each object has its map at 0x1001, and each map this type
            const uint64_t shown = at % 64 < 8 ? 0x1001 : at % 64 < 16 ? type << 32 : word;
            static_cast<uint8_t *>(to)[i] = shown >> at % 8 * 8 & 0xff;
          }
          reads++;
          bytes += size;
          return true;
        });
        for (uint64_t object : {uint64_t{0x2001}, uint64_t{0x3001}}) {
          objects.shared_of(object);
          objects.function(object);
          objects.position(object, 5);
          objects.location(object, 5);
          objects.source(object);
        }
        CHECK(reads <= V8Memory::kMaxReads);
        CHECK(bytes <= V8Memory::kMaxReads * V8Memory::kPageBytes + V8Memory::kMaxCopiedBytes);
      }
    }
  }
}
