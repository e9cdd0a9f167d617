// Functions and positions in frames of compiled code of every node of this machine, against what V8 itself says of them
// (v8_compiled.cjs).
#include "v8_code.h"

#include <algorithm>
#include <climits>
#include <cstdlib>

#include "check.h"
#include "node_process.h"

using namespace mp;

namespace {

struct Node {
  std::string path;
  std::unique_ptr<ElfFile> elf;
  V8Image image;
  V8CodeLayout layout;
};

const std::vector<Node> &known_nodes() {
  static const std::vector<Node> found = [] {
    std::vector<Node> all;
    for (const std::string &path : nodes()) {
      std::string error;
      auto elf = ElfFile::open(path, &error);
      const auto image = elf ? find_v8(*elf) : std::nullopt;
      const auto layout = image ? find_v8_code_layout(*elf, image->major, image->minor) : std::nullopt;
      if (layout)
        all.push_back({path, std::move(elf), *image, *layout});
      else
        printf("left out %s: %s\n", path.c_str(), image ? image->unsupported.c_str() : "no V8 in it");
    }
    return all;
  }();
  return found;
}

std::string script_path() {
  const std::string here = __FILE__;
  const size_t slash = here.rfind('/');
  char path[PATH_MAX];
  const std::string relative = (slash == std::string::npos ? "." : here.substr(0, slash)) + "/v8_compiled.cjs";
  return realpath(relative.c_str(), path) != nullptr ? path : "";
}

// Of a frame, its code and the name of its function, which others may be inlined into.
using Frame = std::pair<V8CodeKind, std::string>;

// What was found in one stack.
struct Found {
  std::string text;  // "line:column line:column ..." of the functions of v8_compiled.cjs, innermost first
  std::set<Frame> frames;
  size_t inlined = 0;  // the most functions that one frame stands for
  size_t unknown = 0;  // activations of functions of v8_compiled.cjs whose position is not known
};

class Stack {
 public:
  Stack(int pid, const Node &node)
      : objects_(node.image.layout,
                 [pid](uint64_t address, void *to, size_t size) { return read_memory(pid, address, to, size); }),
        reader_(objects_.memory(), node.layout),
        stack_(pid, *node.elf, node.image) {}

  Found read() {
    for (const JavaScriptFrame &frame : stack_.frames([&](const JavaScriptFrame &frame) { return is_read(frame); })) {
      if (frame.is_interpreted) {
        const auto offset = objects_.byte_code_offset(frame.byte_code_slot);
        add({objects_.shared_of(frame.function).value_or(0), frame.byte_code_array, offset.value_or(kUnknownV8Offset)});
        continue;
      }
      const V8Activations all = reader_.activations(frame.function, frame.pc);
      if (all.activations.empty()) continue;
      const auto function = objects_.function(all.activations.back().shared);
      found_.frames.emplace(all.kind, function ? function->name : "");
      found_.inlined = std::max(found_.inlined, all.activations.size());
      for (const V8Activation &activation : all.activations) add(activation);
    }
    return found_;
  }

 private:
  bool is_read(const JavaScriptFrame &frame) {
    const auto shared = objects_.shared_of(frame.function);
    const auto function = shared ? objects_.function(*shared) : std::nullopt;
    return function && function->name == "readSync";
  }

  void add(const V8Activation &activation) {
    const auto function = objects_.function(activation.shared);
    if (!function || (function->script != script_path() && function->script != "wide.js")) return;
    const auto position = objects_.position(activation.byte_code_array, activation.byte_code_offset);
    const auto location = position ? objects_.location(function->script_object, *position) : std::nullopt;
    found_.text += found_.text.empty() ? "" : " ";
    if (activation.byte_code_offset == kUnknownV8Offset) found_.unknown++;
    found_.text += location ? std::to_string(location->line) + ":" + std::to_string(location->column)
                            : "?" + std::to_string(activation.byte_code_offset);
  }

  V8Objects objects_;
  V8CodeReader reader_;
  V8Stack stack_;
  Found found_;
};

// From [["function",line,column],...].
std::string expected(const std::string &json) {
  std::string text;
  size_t at = 0;
  while ((at = json.find("\",", at)) != std::string::npos) {
    const size_t end = json.find(']', at);
    text += text.empty() ? "" : " ";
    text += json.substr(at + 2, end - at - 2);
    at = end;
  }
  std::replace(text.begin(), text.end(), ',', ':');
  return text;
}

struct Run {
  std::string mode;
  std::vector<std::string> flags;
};

// What all stacks of a run have in common, after they are compared.
Found check_run(const Node &node, const Run &run) {
  std::vector<std::string> command = {node.path};
  command.insert(command.end(), run.flags.begin(), run.flags.end());
  command.insert(command.end(), {script_path(), run.mode});
  ChildProcess child(command);
  Found all;
  size_t stacks = 0;
  while (const auto line = child.line()) {
    wait_until_blocked(child.pid());
    const Found found = Stack(child.pid(), node).read();
    const std::string what = node.image.version + " " + run.mode + ": ";
    CHECK_EQ(what + found.text, what + expected(*line));
    all.frames.insert(found.frames.begin(), found.frames.end());
    all.inlined = std::max(all.inlined, found.inlined);
    all.unknown += found.unknown;
    stacks++;
    child.say("\n");
  }
  CHECK(stacks > 0);
  return all;
}

// At least one frame is one of `frames`, and one stands for `inlined` functions or more.
void check_all(const Run &run, const std::vector<Frame> &frames, size_t inlined, int first_major = 0) {
  bool is_any = false;
  for (const Node &node : known_nodes()) {
    if (node.image.major < first_major) continue;
    is_any = true;
    const Found found = check_run(node, run);
    const std::string what = node.image.version + " " + run.mode;
    const bool is_there =
        std::any_of(frames.begin(), frames.end(), [&](const Frame &frame) { return found.frames.count(frame) != 0; });
    CHECK_EQ(what + (is_there ? " has it" : " hasn't"), what + " has it");
    CHECK_EQ(what + ": " + std::to_string(found.inlined >= inlined), what + ": 1");
    CHECK_EQ(what + ": " + std::to_string(found.unknown), what + ": 0");
  }
  if (!is_any) SKIP("there is no such node");
}

std::vector<Frame> optimized(const std::string &function) {
  return {{V8CodeKind::kMaglev, function}, {V8CodeKind::kTurbofan, function}};
}

const std::vector<std::string> kNatives = {"--allow-natives-syntax"};

}  // namespace

TEST(interpreted_functions) {
  check_all({"interpreted", {}}, {{V8CodeKind::kNone, "map"}}, 1);
}

TEST(baseline_functions) {
  check_all({"baseline", kNatives}, {{V8CodeKind::kBaseline, "catches"}}, 1);
}

TEST(baseline_functions_only) {
  // V8Stack looks for the frame of a builtin that calls a function of node: the function that calls that stays as it
  // is.
  check_all({"interpreted", {"--always-sparkplug", "--no-opt", "--sparkplug-filter=-readSync"}},
            {{V8CodeKind::kBaseline, "catches"}}, 1);
}

TEST(turbofan_functions) {
  check_all({"turbofan", kNatives}, {{V8CodeKind::kTurbofan, "spreads"}}, 4);
}

TEST(maglev_functions) {
  check_all({"maglev", kNatives}, {{V8CodeKind::kMaglev, "callWithMore"}}, 3, 13);
}

TEST(deoptimized_functions) {
  check_all({"deoptimized", kNatives}, {{V8CodeKind::kTurbofan, "spreads"}}, 4);
}

TEST(functions_that_became_hot) {
  check_all({"natural", {}}, optimized("outermost"), 4);
}

// Code that replaces that of a frame (OSR). V8 10.2 does not come to it here.
TEST(loops_that_became_hot) {
  check_all({"osr", {}}, optimized("loops"), 4, 11);
  for (const Node &node : known_nodes())
    if (node.image.major < 11) CHECK_EQ(check_run(node, {"osr", {}}).unknown, 0u);
}
