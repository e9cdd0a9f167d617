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

// "name script:line, ..."
std::string show(const std::vector<SymbolFrame> &symbols) {
  std::string text;
  for (const SymbolFrame &symbol : symbols) text += (text.empty() ? "" : ", ") + show(symbol);
  return text;
}

// ---- made by hand ----

// Places in a function that is called in the third line of its script, and begins in the second.
struct MadeProcess {
  explicit MadeProcess(int version) : made(version), module{*made_v8_image(version), std::nullopt} {
    const std::string text = "class A {\n  method() {\n call() }\n}\n";
    const uint64_t script = made.script(7, made.one_byte("/a/b.js"), made.one_byte(text), made.undefined);
    shared = made.shared(made.scope_info({made.one_byte("method"), 0, 18, 33, 2, false, false}), script, 22);
    function = made.js_function(shared);
    byte_code_array = made.bytecode_array(8, made.byte_array({2, 92, 8, 12}));  // position 25 from byte code 4 on
  }

  uint64_t interpreted(int64_t offset = 5) const {
    return MP_V8_INTERPRETED(byte_code_array, static_cast<uint64_t>(made.layout.bytecode_bytes - 1 + offset));
  }

  V8Process process() {
    return V8Process(module, [this](uint64_t address, void *to, size_t size) { return made.read(address, to, size); });
  }
  std::string symbols(uint64_t place) { return symbols(place, shared); }
  std::string symbols(uint64_t place, uint64_t of_shared) { return show(process().symbols(place, of_shared)); }

  MadeV8 made;
  V8Module module;
  uint64_t shared, function, byte_code_array;
};

constexpr uint64_t kCompiled = 0x5000;

}  // namespace

TEST(places_of_functions_have_symbols) {
  for (int version = 0; version < kMadeV8Versions; version++) {
    MadeProcess program(version);
    CHECK_EQ(program.symbols(program.interpreted()), "A.method /a/b.js:3");
    // machine code of which nothing is known, and byte codes without a position: where the function begins
    CHECK_EQ(program.symbols(kCompiled), "A.method /a/b.js:2");
    CHECK_EQ(program.symbols(program.interpreted(100)), "A.method /a/b.js:2");
    CHECK_EQ(program.symbols(program.interpreted(-3)), "A.method /a/b.js:2");
    CHECK_EQ(program.symbols(MP_V8_INTERPRETED(program.byte_code_array, MP_V8_NO_OFFSET)), "A.method /a/b.js:2");
    const auto found = program.process().symbols(program.interpreted(), program.shared);
    REQUIRE(found.size() == 1);
    CHECK_EQ(std::string(found[0].language), "javascript");
  }
}

TEST(places_in_no_function_have_none) {
  for (int version = 0; version < kMadeV8Versions; version++) {
    MadeProcess program(version);
    for (uint64_t word : {uint64_t{0}, uint64_t{2}, MadeV8::smi(9), ~uint64_t{0}, uint64_t{0x10}, program.function}) {
      CHECK_EQ(program.symbols(program.interpreted(), word), "");
      CHECK_EQ(program.symbols(kCompiled, word), "");
    }
  }
}

TEST(a_byte_code_array_that_is_none_gives_no_line) {
  MadeProcess program(3);
  for (uint64_t word : {uint64_t{0}, uint64_t{1}, program.function, program.shared, uint64_t{0x7fffffffffff}})
    CHECK_EQ(program.symbols(MP_V8_INTERPRETED(word, 60)), "A.method /a/b.js:2");
}

// A place keeps the address of the array and the offset, as far as they fit.
TEST(places_hold_what_they_are_made_of) {
  for (uint64_t array : {uint64_t{1}, uint64_t{0x7ffffffffff9}, uint64_t{0x123456789ab1}}) {
    for (uint64_t offset : {0u, 1u, 53u, MP_V8_NO_OFFSET - 1, MP_V8_NO_OFFSET + 0u}) {
      const uint64_t place = MP_V8_INTERPRETED(array, offset);
      CHECK(MP_V8_IS_INTERPRETED(place));
      CHECK_EQ(MP_V8_PLACE_ARRAY(place), array);
      CHECK_EQ(MP_V8_PLACE_OFFSET(place), offset);
    }
  }
  CHECK(!MP_V8_IS_INTERPRETED(0x7fffffffffff));
}

TEST(memory_is_read_anew_after_it_was_forgotten) {
  MadeProcess program(0);
  V8Process process = program.process();
  CHECK_EQ(show(process.symbols(program.interpreted(), program.shared)), "A.method /a/b.js:3");
  const uint64_t other = program.made.scope_info({program.made.one_byte("renamed"), 0, 18, 33, 2, false, false});
  program.made.put(program.shared, program.made.layout.shared_name_or_scope_info, other);
  process.forget();
  CHECK_EQ(show(process.symbols(program.interpreted(), program.shared)), "A.renamed /a/b.js:3");
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

// The places as BPF sends them, from the innermost frame that is fs.readSync's on.
std::vector<mp_v8_place> places_of(int pid, const ElfFile &elf, const V8Module &module) {
  V8Objects objects(module.image.layout,
                    [pid](uint64_t address, void *to, size_t size) { return read_memory(pid, address, to, size); });
  const auto is_read = [&](const JavaScriptFrame &frame) {
    const auto shared = objects.shared_of(frame.function);
    const auto function = shared ? objects.function(*shared) : std::nullopt;
    return function && function->name == "readSync";
  };
  std::vector<mp_v8_place> places;
  for (const JavaScriptFrame &frame : V8Stack(pid, elf, module.image).frames(is_read)) {
    const uint64_t interpreted = MP_V8_INTERPRETED(frame.byte_code_array, frame.byte_code_slot >> 32);
    mp_v8_place place = {frame.is_interpreted ? interpreted : frame.pc, 0};
    read_memory(pid, frame.function - 1 + module.image.layout.function_shared, &place.shared, 8);
    places.push_back(place);
  }
  return places;
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
    process.forget();
    std::vector<SymbolFrame> read;
    for (const auto &[place, shared] : places_of(pid, elf, module))
      for (const SymbolFrame &symbol : process.symbols(place, shared))
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
