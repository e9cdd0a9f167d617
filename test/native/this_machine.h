// Files of the machine that runs the tests: its C library, its node, its python.
#pragma once

#include <dlfcn.h>
#include <gnu/libc-version.h>

#include <cstdio>
#include <string>

// Path of the C library that this program is linked to. ASan intercepts malloc and the like, but not this function.
inline std::string libc_path() {
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void *>(&gnu_get_libc_version), &info) == 0) return "";
  return info.dli_fname;
}

// Standard output of a shell command.
inline std::string output_of(const std::string &command) {
  std::string output;
  FILE *pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return output;
  char buffer[65536];
  for (size_t count; (count = fread(buffer, 1, sizeof(buffer), pipe)) > 0;) output.append(buffer, count);
  pclose(pipe);
  return output;
}

inline std::string first_line(const std::string &text) {
  return text.substr(0, text.find('\n'));
}
