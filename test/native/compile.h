// Programs that a test compiles, and what binutils say about them.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "dwarf.h"
#include "this_machine.h"

// A temporary directory that goes with its owner.
class Workspace {
 public:
  Workspace() {
    char name[] = "/tmp/mp-test-XXXXXX";
    if (mkdtemp(name) != nullptr) directory_ = name;
  }
  ~Workspace() {
    if (!directory_.empty()) run("rm -rf " + directory_);
  }
  Workspace(const Workspace &) = delete;
  Workspace &operator=(const Workspace &) = delete;

  const std::string &directory() const { return directory_; }
  std::string path(const std::string &name) const { return directory_ + "/" + name; }
  std::string write(const std::string &name, const std::string &text) const {
    std::ofstream(path(name)) << text;
    return path(name);
  }
  // true if the shell command, run in the directory, succeeded.
  bool run(const std::string &command) const { return system(("cd " + directory_ + " && " + command).c_str()) == 0; }

 private:
  std::string directory_;
};

inline bool has_command(const std::string &name) {
  return system(("command -v " + name + " >/dev/null 2>&1").c_str()) == 0;
}

inline std::vector<std::string> lines_of(const std::string &text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

// Of each call instruction: the ELF address of its last byte, which is what a caller's frame is looked up by.
inline std::vector<uint64_t> call_addresses(const std::string &file, size_t max) {
  std::vector<uint64_t> all;
  bool after_call = false;
  for (const std::string &line : lines_of(output_of("objdump -d --no-show-raw-insn " + file))) {
    size_t colon = line.find(":\t");
    if (line.empty() || line[0] != ' ' || colon == std::string::npos) continue;
    if (after_call) all.push_back(std::stoull(line, nullptr, 16) - 1);
    after_call = line.compare(colon + 2, 4, "call") == 0;
  }
  std::vector<uint64_t> some;
  size_t step = std::max<size_t>(1, all.size() / max);
  for (size_t i = 0; i < all.size(); i += step) some.push_back(all[i]);
  return some;
}

// Without "." and "..", which addr2line leaves in.
inline std::string plain_path(const std::string &path) {
  std::vector<std::string> parts;
  std::istringstream stream(path);
  for (std::string part; std::getline(stream, part, '/');) {
    if (part.empty() || part == ".") continue;
    if (part == ".." && !parts.empty()) {
      parts.pop_back();
    } else {
      parts.push_back(part);
    }
  }
  std::string plain;
  for (const std::string &part : parts) plain += "/" + part;
  return path[0] == '/' || plain.empty() ? plain : plain.substr(1);
}

using FramesByAddress = std::map<uint64_t, std::vector<mp::SymbolFrame>>;

// What an addr2line says. Where it knows no line it names the source file that a symbol stands under: that is left out.
inline FramesByAddress addr2line(const std::string &tool, const Workspace &workspace, const std::string &file,
                                 const std::vector<uint64_t> &addresses) {
  std::ostringstream list;
  for (uint64_t address : addresses) list << "0x" << std::hex << address << "\n";
  std::string input = workspace.write("addresses", list.str());
  FramesByAddress frames;
  uint64_t address = 0;
  auto lines = lines_of(output_of(tool + " -a -f -i -C -e " + file + " < " + input));
  for (size_t i = 0; i + 1 < lines.size(); i++) {
    if (lines[i].compare(0, 2, "0x") == 0) {
      address = std::stoull(lines[i], nullptr, 16);
      continue;
    }
    mp::SymbolFrame frame;
    frame.function = lines[i] == "??" ? "" : lines[i];
    const std::string &place = lines[++i];
    size_t colon = place.rfind(':');
    frame.line = static_cast<uint32_t>(atoi(place.c_str() + colon + 1));
    std::string path = place.substr(0, colon);
    bool known = path != "??" && (frame.line != 0 || path.find('/') != std::string::npos);
    frame.file = known ? plain_path(path) : "";
    if (!frames[address].empty()) frames[address].back().inlined = true;
    frames[address].push_back(frame);
  }
  return frames;
}

// "" if there is none.
inline std::string llvm_addr2line() {
  return first_line(output_of("command -v llvm-addr2line llvm-addr2line-14 /usr/lib/llvm-*/bin/llvm-addr2line"));
}

// "list.h:12 < main.c:30"; with functions "grow(list*) /src/list.h:12 < main /src/main.c:30".
inline std::string show_frames(const std::vector<mp::SymbolFrame> &frames, bool functions) {
  std::string text;
  for (const mp::SymbolFrame &frame : frames) {
    if (!text.empty()) text += " < ";
    if (functions) text += frame.function + " ";
    text += frame.file + ":" + std::to_string(frame.line);
  }
  return text;
}
