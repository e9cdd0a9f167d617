// Names as their authors wrote them.
//
//   _Z3addii                             add(int, int)
//   _Z3addii.part.0                      add(int, int) [clone .part.0]
//   add.cold                             add [clone .cold]
//   _ZN1a5outer17h89f3d6beec236736E      a::outer             Rust, old scheme; the hash is dropped
//   _RNvCs1234_1a5outer                  a::outer             Rust, v0
//   malloc                               malloc
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mp {

// The name itself if it is not a mangled one.
std::string demangle(std::string_view name);

// rust_demangle.cc: nullopt if it is not a Rust name of that scheme.
std::optional<std::string> demangle_rust_legacy(std::string_view name);
std::optional<std::string> demangle_rust_v0(std::string_view name);

}  // namespace mp
