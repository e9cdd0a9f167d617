#include "demangle.h"

#include <cxxabi.h>

#include <cctype>
#include <cmath>
#include <cstdlib>
#include <memory>

namespace mp {
namespace {

// Longer names do not occur, and the demangler's time and stack grow with them.
constexpr size_t kMaxMangledBytes = 16384;

constexpr double kMaxExpandedBytes = 512e6;

// What compilers append to the name of a part or a copy of a function. Anything else with a dot is a name (Go).
constexpr std::string_view kCloneSuffixes[] = {".part.", ".isra.",     ".constprop.",  ".cold",
                                               ".llvm.", ".lto_priv.", ".localalias.", ".clone."};

size_t clone_suffix(std::string_view name) {
  size_t first = std::string_view::npos;
  for (std::string_view suffix : kCloneSuffixes) {
    size_t at = name.find(suffix);
    if (at != std::string_view::npos && at > 0 && at < first) first = at;
  }
  return first;
}

// References (S_, S0_, T_, …) repeat what stands before them, so that each level of nesting can double a name: 230
// bytes become 300 MB, 300 bytes more memory than there is, and the demangler has no limit. With n references a name
// grows at most by 3^(n/3). The most that occurs among 110,000 names of V8 and clang is 34.
bool may_explode(std::string_view name) {
  size_t references = 0;
  for (size_t i = 0; i + 1 < name.size(); i++) {
    if (name[i] != 'S' && name[i] != 'T') continue;
    size_t end = i + 1;
    while (end < name.size() && (isdigit(name[end]) || isupper(name[end]))) end++;
    if (end < name.size() && name[end] == '_') references++;
  }
  return std::pow(3, references / 3.0) * static_cast<double>(name.size()) > kMaxExpandedBytes;
}

std::string demangle_cxx(std::string_view name) {
  if (may_explode(name)) return std::string(name);
  int status = 0;
  std::string terminated(name);
  std::unique_ptr<char, decltype(&free)> text(abi::__cxa_demangle(terminated.c_str(), nullptr, nullptr, &status), free);
  return status == 0 && text != nullptr ? std::string(text.get()) : terminated;
}

}  // namespace

std::string demangle(std::string_view name) {
  if (name.size() > kMaxMangledBytes) return std::string(name);
  size_t at = clone_suffix(name);
  std::string_view base = name.substr(0, at);
  std::string_view suffix = at == std::string_view::npos ? std::string_view() : name.substr(at);
  // LLVM's suffix tells copies of a local symbol apart that the linker saw; it means nothing to a reader.
  size_t llvm = suffix.find(".llvm.");
  suffix = suffix.substr(0, llvm);
  std::string text;
  if (auto rust = demangle_rust_v0(base)) {
    text = *rust;
  } else if (auto legacy = demangle_rust_legacy(base)) {
    text = *legacy;
  } else {
    text = base.substr(0, 2) == "_Z" ? demangle_cxx(base) : std::string(base);
  }
  return suffix.empty() ? text : text + " [clone " + std::string(suffix) + "]";
}

}  // namespace mp
