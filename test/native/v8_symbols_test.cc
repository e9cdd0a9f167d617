// From the slots of frames to functions and lines: the V8 of a process as the session uses it, over a heap made by
// hand, and over those of running nodes.
#include <algorithm>
#include <functional>

#include "check.h"
#include "made_v8.h"
#include "node_process.h"
#include "v8_process.h"

using namespace mp;

namespace {

std::string show(const SymbolFrame &symbol) {
  return symbol.function + " " + symbol.file + ":" + std::to_string(symbol.line) + (symbol.inlined ? " inlined" : "");
}

// "index name script:line, ..."
std::string show(const V8FrameSymbols &found) {
  std::string text;
  for (const auto &[index, symbols] : found)
    for (const SymbolFrame &symbol : symbols)
      text += (text.empty() ? "" : ", ") + std::to_string(index) + " " + show(symbol);
  return text;
}

// ---- made by hand ----

// Slots of a function that is called in the third line of its script, and begins in the second.
struct MadeProcess {
  explicit MadeProcess(int version) : made(version), module{*made_v8_image(version), std::nullopt} {
    const std::string text = "class A {\n  method() {\n call() }\n}\n";
    const uint64_t script = made.script(7, made.one_byte("/a/b.js"), made.one_byte(text), made.undefined);
    shared = made.shared(made.scope_info({made.one_byte("method"), 0, 18, 33, 2, false, false}), script, 22);
    function = made.js_function(shared);
    byte_code_array = made.bytecode_array(8, made.byte_array({2, 92, 8, 12}));  // position 25 from byte code 4 on
  }

  mp_v8_frame interpreted(uint32_t index, int32_t offset = 5) const {
    return {index,          1,     MadeV8::smi(made.layout.bytecode_bytes - 1 + offset), byte_code_array, 0, function,
            made.undefined, shared};
  }
  mp_v8_frame compiled(uint32_t index) const { return {index, 0, 1, 1, 0, function, made.undefined, shared}; }

  V8Process process() {
    return V8Process(module, [this](uint64_t address, void *to, size_t size) { return made.read(address, to, size); });
  }
  std::string symbols(const std::vector<mp_v8_frame> &frames, uint32_t count = 10) {
    const std::vector<uint64_t> addresses(count, 0x5000);
    return show(process().symbols({0, 0, frames}, addresses.data(), count));
  }

  MadeV8 made;
  V8Module module;
  uint64_t shared, function, byte_code_array;
};

mp_event_v8_frames event_of(uint64_t stack, uint32_t count, uint32_t begun = 0, uint32_t ended = 0) {
  return {{}, stack, begun, ended, count, 0};
}

}  // namespace

TEST(slots_are_taken_once_by_the_hash_of_their_stack) {
  MadeProcess program(1);
  V8Process process = program.process();
  const mp_v8_frame frames[] = {program.interpreted(3), program.compiled(7)};
  process.add(event_of(11, 2, 5, 4), frames);
  process.add(event_of(12, 1, 6, 6), frames + 1);
  process.add(event_of(13, 0), frames);
  CHECK(!process.take(10));
  const auto slots = process.take(11);
  REQUIRE(slots && slots->frames.size() == 2);
  CHECK_EQ(slots->begun, 5u);
  CHECK_EQ(slots->ended, 4u);
  CHECK_EQ(memcmp(slots->frames.data(), frames, sizeof(frames)), 0);
  CHECK(!process.take(11));
  const auto other = process.take(12);
  REQUIRE(other && other->frames.size() == 1);
  CHECK_EQ(other->frames[0].frame, 7u);
  REQUIRE(process.take(13).has_value());
}

TEST(slots_that_come_again_replace_the_first) {
  MadeProcess program(1);
  V8Process process = program.process();
  const mp_v8_frame frames[] = {program.interpreted(3), program.compiled(7)};
  process.add(event_of(11, 1, 1, 1), frames);
  process.add(event_of(11, 2, 2, 2), frames);
  const auto slots = process.take(11);
  REQUIRE(slots && slots->frames.size() == 2);
  CHECK_EQ(slots->begun, 2u);
  CHECK(!process.take(11));
}

// Of stacks that never came.
TEST(slots_do_not_add_up) {
  MadeProcess program(1);
  V8Process process = program.process();
  const mp_v8_frame frame = program.interpreted(0);
  for (uint64_t stack = 0; stack < 100000; stack++) process.add(event_of(stack, 1), &frame);
  size_t kept = 0;
  for (uint64_t stack = 0; stack < 99999; stack++) kept += process.take(stack).has_value();
  CHECK(kept <= 1024);
  CHECK(process.take(99999).has_value());
}

TEST(frames_of_functions_have_symbols) {
  for (int version = 0; version < kMadeV8Versions; version++) {
    MadeProcess program(version);
    CHECK_EQ(program.symbols({program.interpreted(1), program.interpreted(4)}),
             "1 A.method /a/b.js:3, 4 A.method /a/b.js:3");
    // machine code of which nothing is known, and byte codes without a position: where the function begins
    CHECK_EQ(program.symbols({program.compiled(2)}), "2 A.method /a/b.js:2");
    CHECK_EQ(program.symbols({program.interpreted(2, 100)}), "2 A.method /a/b.js:2");
    CHECK_EQ(program.symbols({program.interpreted(2, -3)}), "2 A.method /a/b.js:2");
    const auto found = program.process().symbols({0, 0, {program.interpreted(0)}}, &program.function, 1);
    REQUIRE(found.size() == 1);
    CHECK_EQ(std::string(found.at(0)[0].language), "javascript");
  }
}

TEST(frames_of_no_function_are_left_out) {
  for (int version = 0; version < kMadeV8Versions; version++) {
    MadeProcess program(version);
    mp_v8_frame typed = program.interpreted(0), unreadable = {1, 1, 0, 0, 0, 0, 0, 0}, garbage = program.interpreted(2);
    typed.context_or_frame_type = 2 * 5;  // StackFrame::TypeToMarker
    garbage.shared = program.function;
    CHECK_EQ(program.symbols({typed, unreadable, garbage, program.interpreted(3)}), "3 A.method /a/b.js:3");
    for (uint64_t word : {uint64_t{0}, uint64_t{2}, MadeV8::smi(9), ~uint64_t{0}, uint64_t{0x10}}) {
      mp_v8_frame frame = program.interpreted(0);
      frame.shared = word;
      CHECK_EQ(program.symbols({frame}), "");
    }
  }
}

TEST(frames_that_the_stack_does_not_have_are_left_out) {
  MadeProcess program(2);
  CHECK_EQ(program.symbols({program.interpreted(2), program.interpreted(3), program.compiled(0xffffffff)}, 3),
           "2 A.method /a/b.js:3");
  CHECK_EQ(program.symbols({program.interpreted(0)}, 0), "");
}

TEST(a_byte_code_array_that_is_none_gives_no_line) {
  MadeProcess program(3);
  for (uint64_t word : {uint64_t{0}, uint64_t{1}, program.function, program.shared, ~uint64_t{0}, MadeV8::smi(4)}) {
    mp_v8_frame frame = program.interpreted(0);
    frame.byte_code_array = word;
    CHECK_EQ(program.symbols({frame}), "0 A.method /a/b.js:2");
  }
}

// What was read of one stack is not believed of the next.
// What a place means holds until the next collection.
TEST(memory_is_read_anew_after_a_collection) {
  MadeProcess program(0);
  V8Process process = program.process();
  const uint64_t address = 0x5000;
  V8Slots slots = {0, 0, {program.interpreted(0)}};
  CHECK(!process.begins_generation(slots));
  CHECK_EQ(show(process.symbols(slots, &address, 1)), "0 A.method /a/b.js:3");
  const uint64_t other = program.made.scope_info({program.made.one_byte("renamed"), 0, 18, 33, 2, false, false});
  program.made.put(program.shared, program.made.layout.shared_name_or_scope_info, other);
  CHECK(!process.begins_generation(slots));
  CHECK_EQ(show(process.symbols(slots, &address, 1)), "0 A.method /a/b.js:3");
  slots.begun = slots.ended = 1;
  CHECK(process.begins_generation(slots));
  CHECK_EQ(show(process.symbols(slots, &address, 1)), "0 A.renamed /a/b.js:3");
}

// ---- running nodes ----

namespace {

struct Printed {
  std::string name, script;
  uint32_t line = 0;
};

// Of a file URL, as far as those of v8_stops.mjs go.
std::string file_of(std::string script) {
  if (script.rfind("file://", 0) == 0) script.erase(0, 7);
  if (const size_t blank = script.find("%20"); blank != script.npos) script.replace(blank, 3, " ");
  return script;
}

// What v8_stops.mjs prints up to its next stop, without built-in functions.
std::vector<Printed> next_stop(ChildProcess &node) {
  std::vector<Printed> stack;
  for (auto line = node.line(); line && *line != "."; line = node.line()) {
    std::istringstream fields(*line);
    Printed frame;
    std::string number;
    std::getline(fields, frame.name, '\t');
    std::getline(fields, frame.script, '\t');
    std::getline(fields, number, '\t');
    frame.line = strtoul(number.c_str(), nullptr, 10);
    if (frame.line != 0) stack.push_back(frame);
  }
  return stack;
}

// The slots as BPF copies them, from the innermost frame that is fs.readSync's on.
std::pair<V8Slots, std::vector<uint64_t>> slots_of(int pid, const ElfFile &elf, const V8Module &module) {
  V8Objects objects(module.image.layout,
                    [pid](uint64_t address, void *to, size_t size) { return read_memory(pid, address, to, size); });
  const auto is_read = [&](const JavaScriptFrame &frame) {
    const auto shared = objects.shared_of(frame.function);
    const auto function = shared ? objects.function(*shared) : std::nullopt;
    return function && function->name == "readSync";
  };
  V8Slots slots;
  std::vector<uint64_t> addresses;
  for (const JavaScriptFrame &frame : V8Stack(pid, elf, module.image).frames(is_read)) {
    mp_v8_frame copied{};
    copied.frame = static_cast<uint32_t>(addresses.size());
    copied.is_interpreted = frame.is_interpreted;
    read_memory(pid, frame.fp + MP_V8_BYTE_CODE_OFFSET, &copied.byte_code_offset, -MP_V8_BYTE_CODE_OFFSET);
    read_memory(pid, copied.function - 1 + module.image.layout.function_shared, &copied.shared, 8);
    slots.frames.push_back(copied);
    addresses.push_back(frame.pc);
  }
  return {slots, addresses};
}

// Names of methods have their class, functions of an eval have no name for V8's stack traces, and others only their
// JSFunction knows.
bool is_name(const std::string &read, const Printed &printed) {
  const bool has_none = printed.name.empty() || printed.name == "eval" || printed.name == "computed" ||
                        printed.name == "[Symbol.iterator]" || printed.name.rfind("longlong", 0) == 0;
  return has_none || (read.size() >= printed.name.size() &&
                      read.compare(read.size() - printed.name.size(), read.npos, printed.name) == 0);
}

// All stacks of a program that is run with these flags; returns how many frames were compared.
size_t compare(const std::string &path, const ElfFile &elf, const V8Module &module,
               const std::vector<std::string> &flags) {
  std::vector<std::string> command = {path};
  command.insert(command.end(), flags.begin(), flags.end());
  command.push_back("v8_stops.mjs");
  ChildProcess node(command);
  const int pid = node.pid();
  V8Process process(module,
                    [pid](uint64_t address, void *to, size_t size) { return read_memory(pid, address, to, size); });
  size_t compared = 0;
  for (auto printed = next_stop(node); !printed.empty(); printed = next_stop(node)) {
    wait_until_blocked(pid);
    const auto [slots, addresses] = slots_of(pid, elf, module);
    const V8FrameSymbols found = process.symbols(slots, addresses.data(), static_cast<uint32_t>(addresses.size()));
    std::vector<SymbolFrame> read;
    for (const auto &[index, symbols] : found)
      for (const SymbolFrame &symbol : symbols)
        if (symbol.line != 0) read.push_back(symbol);  // else it is built in
    node.say("\n");
    // fs.readSync and the function that calls it
    CHECK_EQ(module.image.version + " " + std::to_string(read.size()),
             module.image.version + " " + std::to_string(printed.size() + 2));
    if (read.size() != printed.size() + 2) continue;
    for (size_t i = 0; i < printed.size(); i++) {
      const SymbolFrame &symbol = read[i + 2];
      const std::string file = file_of(printed[i].script);
      if (!is_name(symbol.function, printed[i]) || symbol.file != file || symbol.line != printed[i].line)
        check::fail(__FILE__, __LINE__,
                    module.image.version + ": " + show(symbol) + ", not " + printed[i].name + " " + printed[i].script +
                        ":" + std::to_string(printed[i].line));
      compared++;
    }
  }
  return compared;
}

void compare_all(const std::vector<std::string> &flags) {
  bool is_any = false;
  for (const std::string &path : nodes()) {
    std::string error;
    const auto elf = ElfFile::open(path, &error);
    const auto module = elf ? find_v8_module(*elf) : std::nullopt;
    if (!module || !module->image.unsupported.empty()) continue;
    is_any = true;
    CHECK(module->code.has_value());
    CHECK(module->set_up != 0);
    CHECK(module->tear_down != 0);
    CHECK(compare(path, *elf, *module, flags) > 40);
  }
  if (!is_any) SKIP("no node with a V8 10.2, 11.3, 12.4 or 13.6");
}

}  // namespace

TEST(frames_of_the_interpreter_of_a_running_node) {
  compare_all({"--no-opt", "--no-sparkplug"});
}

TEST(frames_of_baseline_code_of_a_running_node) {
  // V8Stack looks for the frame of a builtin that calls fs.readSync's callee: that stays as it is
  compare_all({"--always-sparkplug", "--no-opt", "--sparkplug-filter=-readSync"});
}

TEST(a_file_without_v8_is_no_module) {
  const std::vector<uint8_t> file = ElfBuilder().build();
  std::string error;
  CHECK(!find_v8_module(*ElfFile::from_memory(file.data(), file.size(), &error)));
}

TEST(a_module_whose_collections_cannot_be_seen_is_unsupported) {
  for (int version = 0; version < kMadeV8Versions; version++) {
    const auto file = made_v8_file(version);
    std::string error;
    const auto module = find_v8_module(*ElfFile::from_memory(file.data(), file.size(), &error));
    REQUIRE(module.has_value());
    CHECK(module->image.unsupported.find("were not found: its stacks show native frames only") != std::string::npos);
    CHECK(!module->code);
    CHECK_EQ(module->set_up, 0u);
    CHECK_EQ(module->tear_down, 0u);
  }
}
