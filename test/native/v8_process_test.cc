// Functions, scripts and lines of every frame of running nodes, against what V8 itself says of the same stack.
#include <algorithm>

#include "check.h"
#include "node_process.h"

using namespace mp;

namespace {

// What a program prints of a frame; what is read of it from outside.
struct Frame {
  std::string name = "", script = "";
  uint32_t line = 0, column = 0;
  bool is_interpreted = false;
};

std::string show(const Frame &frame) {
  return frame.name + " " + frame.script + ":" + std::to_string(frame.line) + ":" + std::to_string(frame.column);
}

using Stack = std::vector<Frame>;

Frame parse(const std::string &line) {
  std::istringstream fields(line);
  Frame frame;
  std::string number;
  std::getline(fields, frame.name, '\t');
  std::getline(fields, frame.script, '\t');
  std::getline(fields, number, '\t');
  frame.line = strtoul(number.c_str(), nullptr, 10);
  std::getline(fields, number, '\t');
  frame.column = strtoul(number.c_str(), nullptr, 10);
  return frame;
}

// What is printed up to the next stop; nullopt at the end of the program.
std::optional<Stack> next_stop(ChildProcess &node) {
  Stack stack;
  for (;;) {
    const auto line = node.line();
    if (!line) return std::nullopt;
    if (*line == ".") return stack;
    stack.push_back(parse(*line));
  }
}

struct Node {
  std::string path;
  std::unique_ptr<ElfFile> elf;
  V8Image image;
};

std::vector<Node> &all_nodes() {
  static std::vector<Node> all = [] {
    std::vector<Node> opened;
    for (const std::string &path : nodes()) {
      std::string error;
      auto elf = ElfFile::open(path, &error);
      auto image = elf ? find_v8(*elf) : std::nullopt;
      if (image) opened.push_back({path, std::move(elf), *image});
    }
    return opened;
  }();
  return all;
}

V8Objects objects_of(const Node &node, int pid) {
  return V8Objects(node.image.layout,
                   [pid](uint64_t address, void *to, size_t size) { return read_memory(pid, address, to, size); });
}

// Without built-in functions, and the two innermost frames, which are fs.readSync and the function that calls it.
Stack read_stack(const Node &node, int pid) {
  Stack stack;
  V8Objects objects = objects_of(node, pid);
  const auto function_of = [&](const JavaScriptFrame &frame) {
    const auto shared = objects.shared_of(frame.function);
    return shared ? objects.function(*shared) : std::nullopt;
  };
  const auto is_read = [&](const JavaScriptFrame &frame) {
    const auto function = function_of(frame);
    return function && function->name == "readSync";
  };
  for (const JavaScriptFrame &frame : V8Stack(pid, *node.elf, node.image).frames(is_read)) {
    const auto function = function_of(frame);
    if (!function) {
      stack.push_back({"not read", "", 0, 0, false});
      continue;
    }
    if (function->script_id == 0) continue;
    Frame read{function->name, function->script, 0, 0, frame.is_interpreted};
    const auto offset = frame.is_interpreted ? objects.byte_code_offset(frame.byte_code_slot) : std::nullopt;
    const auto position = offset ? objects.position(frame.byte_code_array, *offset) : std::nullopt;
    const auto location = position ? objects.location(function->script_object, *position) : std::nullopt;
    if (location) {
      read.line = location->line;
      read.column = location->column;
    }
    stack.push_back(read);
  }
  if (stack.size() < 2 || stack[0].name != "readSync" || stack[1].name != "stop") return {};
  stack.erase(stack.begin(), stack.begin() + 2);
  return stack;
}

struct Stop {
  Stack printed, read;
};

std::vector<Stop> run(const Node &node, std::vector<std::string> flags, bool is_quiet) {
  std::vector<std::string> command{node.path};
  command.insert(command.end(), flags.begin(), flags.end());
  command.push_back("v8_stops.mjs");
  if (is_quiet) command.push_back("quiet");
  ChildProcess process(command);
  std::vector<Stop> stops;
  while (auto printed = next_stop(process)) {
    wait_until_blocked(process.pid());
    stops.push_back({std::move(*printed), read_stack(node, process.pid())});
    process.say("\n");
  }
  return stops;
}

const std::vector<std::string> kInterpreted = {"--no-opt", "--no-sparkplug"};

std::vector<std::string> and_flags(std::vector<std::string> flags, const std::vector<std::string> &more) {
  flags.insert(flags.end(), more.begin(), more.end());
  return flags;
}

// V8's own words are without the class, and "eval" for all that has no name in an eval.
bool is_name(const std::string &read, const std::string &printed) {
  std::string name = read.rfind("async ", 0) == 0 ? read.substr(6) : read;
  if (name == "(anonymous)" || name == "anonymous") return printed.empty() || printed == "eval";
  return name == printed || (name.size() > printed.size() &&
                             name.compare(name.size() - printed.size() - 1, name.npos, "." + printed) == 0);
}

// Names that only the JSFunction has: SharedFunctionInfo has none if it is computed.
bool is_computed(const std::string &printed) {
  return printed == "computed" || printed == "[Symbol.iterator]" || printed.rfind("longlong", 0) == 0;
}

// The same functions; and, where `read` has them, the same lines.
void compare(const Node &node, const Stack &read, const Stack &printed) {
  Stack expected;
  std::copy_if(printed.begin(), printed.end(), std::back_inserter(expected),
               [](const Frame &frame) { return frame.line != 0; });
  CHECK(expected.size() > 0);
  CHECK_EQ(read.size(), expected.size());
  for (size_t i = 0; i < std::min(read.size(), expected.size()); i++) {
    const bool same_name = is_name(read[i].name, expected[i].name) || is_computed(expected[i].name);
    const bool same_line =
        read[i].line == 0 || (read[i].line == expected[i].line && read[i].column == expected[i].column);
    if (!same_name || !same_line || read[i].script != expected[i].script)
      check::fail(__FILE__, __LINE__, node.image.version + ": " + show(read[i]) + ", not " + show(expected[i]));
  }
}

bool has_line(const Frame &frame) {
  return frame.line != 0;
}

constexpr size_t kStops = 8;

// v8_functions.cjs, up to the module that calls it.
const std::vector<std::string> kNames = {
    "Constructor.assigned",
    "outer",
    "last",
    "two",
    "(anonymous)",
    "(anonymous)",
    "fromVm",
    "(anonymous)",
    "anonymous",
    "evaluated",
    "eval",
    "evaluates",
    "apply",
    "unbound",
    "replaced",
    "(anonymous)",
    "callbacks",
    "(anonymous)",
    "𝒳yz",
    "名前",
    "größe",
    "Inner.<instance_members_initializer>",
    "Inner",
    "small.run",
    "generator",
    "Animal.(anonymous)",
    "Animal.(anonymous)",
    "Animal.#hidden",
    "Animal.set loud",
    "Animal.get loud",
    "Animal.create",
    "Animal.field",
    "Animal.speak",
    "Animal",
    "Dog",
    "object.not an identifier",
    "object.nested.deep",
    "method",
    "(anonymous)",
    "arrow",
    "declared",
    "run",
    "(anonymous)",
};

}  // namespace

#define REQUIRE_NODES() \
  if (all_nodes().empty()) SKIP("no node with a V8 10.2, 11.3, 12.4 or 13.6")

TEST(every_version_is_there) {
  std::string missing;
  for (const char *version : {"10.2.", "11.3.", "12.4.", "13.6."}) {
    const bool is_there = std::any_of(all_nodes().begin(), all_nodes().end(),
                                      [&](const Node &node) { return node.image.version.rfind(version, 0) == 0; });
    if (!is_there) missing += std::string(missing.empty() ? "" : ", ") + version + "*";
  }
  if (!missing.empty()) SKIP(("no node with V8 " + missing).c_str());
}

TEST(every_frame_is_what_v8_says) {
  REQUIRE_NODES();
  for (const Node &node : all_nodes()) {
    const auto stops = run(node, and_flags(kInterpreted, {"--expose-gc"}), false);
    CHECK_EQ(stops.size(), kStops);
    for (const Stop &stop : stops) {
      compare(node, stop.read, stop.printed);
      for (const Frame &frame : stop.read) {
        CHECK(has_line(frame));
        CHECK(frame.is_interpreted);
      }
    }
    REQUIRE(!stops.empty() && stops[0].read.size() > kNames.size());
    for (size_t i = 0; i < kNames.size(); i++) {
      std::string name = stops[0].read[i].name;
      if (name == "<instance_members_initializer>") name = "Inner." + name;  // before 12.4
      CHECK_EQ(name, kNames[i]);
    }
  }
}

TEST(asynchronous_functions) {
  REQUIRE_NODES();
  for (const Node &node : all_nodes()) {
    const auto stops = run(node, kInterpreted, true);
    REQUIRE(stops.size() == kStops);
    const auto names = [&](size_t stop) {
      std::string all;
      for (const Frame &frame : stops[stop].read) all += frame.name + ", ";
      return all;
    };
    CHECK_EQ(names(1), "async (anonymous), ");
    CHECK_EQ(names(2), "(anonymous), async asynchronous, ");
    CHECK_EQ(names(3), "async Service.request, ");
    CHECK_EQ(names(4), "async Service.items, ");
    CHECK_EQ(names(5), "onTimeout, listOnTimeout, processTimers, ");
    CHECK_EQ(names(6), "(anonymous), ");
    CHECK_EQ(names(7), "(anonymous), ");
  }
}

// V8 was not asked for any line: they come from the source texts, those of node's own modules among them.
TEST(lines_that_v8_has_not_counted) {
  REQUIRE_NODES();
  for (const Node &node : all_nodes()) {
    const auto expected = run(node, kInterpreted, false);
    const auto stops = run(node, kInterpreted, true);
    REQUIRE(stops.size() == expected.size());
    for (size_t i = 0; i < stops.size(); i++) {
      compare(node, stops[i].read, expected[i].printed);
      CHECK(std::all_of(stops[i].read.begin(), stops[i].read.end(), has_line));
    }
  }
}

// Frames of compiled code have the function in the same slot, but their pcs are none of the interpreter.
TEST(functions_of_compiled_code) {
  REQUIRE_NODES();
  for (const Node &node : all_nodes()) {
    const auto stops = run(node, {"--always-sparkplug"}, false);
    CHECK_EQ(stops.size(), kStops);
    for (const Stop &stop : stops) compare(node, stop.read, stop.printed);
    REQUIRE(!stops.empty() && stops[0].read.size() > kNames.size());
    for (size_t i = 0; i < kNames.size(); i++) CHECK(!stops[0].read[i].is_interpreted);
  }
}
