#include "proc_maps.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "unique_fd.h"

namespace mp {
namespace {

constexpr std::string_view kDeleted = " (deleted)";
constexpr size_t kReadBytes = 65536;

// Takes a number off the front of *text.
template <class T>
bool take_number(std::string_view *text, int base, T *value) {
  auto result = std::from_chars(text->data(), text->data() + text->size(), *value, base);
  if (result.ec != std::errc()) return false;
  text->remove_prefix(static_cast<size_t>(result.ptr - text->data()));
  return true;
}

bool take_char(std::string_view *text, char expected) {
  if (text->empty() || text->front() != expected) return false;
  text->remove_prefix(1);
  return true;
}

std::string unescape(std::string_view path) {
  std::string plain;
  for (size_t i = 0; i < path.size(); i++) {
    if (path.substr(i, 4) == "\\012") {
      plain += '\n';
      i += 3;
    } else {
      plain += path[i];
    }
  }
  return plain;
}

bool parse_line(std::string_view line, ProcMapping *mapping) {
  if (!take_number(&line, 16, &mapping->start) || !take_char(&line, '-')) return false;
  if (!take_number(&line, 16, &mapping->end) || !take_char(&line, ' ')) return false;
  if (line.size() < 5 || line[4] != ' ' || mapping->end < mapping->start) return false;
  mapping->readable = line[0] == 'r';
  mapping->executable = line[2] == 'x';
  mapping->shared = line[3] == 's';
  line.remove_prefix(5);
  if (!take_number(&line, 16, &mapping->offset) || !take_char(&line, ' ')) return false;
  if (!take_number(&line, 16, &mapping->dev_major) || !take_char(&line, ':')) return false;
  if (!take_number(&line, 16, &mapping->dev_minor) || !take_char(&line, ' ')) return false;
  if (!take_number(&line, 10, &mapping->inode)) return false;
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  bool named = line.size() > kDeleted.size() && line.front() == '/';
  mapping->deleted = named && line.substr(line.size() - kDeleted.size()) == kDeleted;
  if (mapping->deleted) line.remove_suffix(kDeleted.size());
  mapping->path = unescape(line);
  return true;
}

}  // namespace

std::optional<ProcMapping> parse_proc_mapping(std::string_view line) {
  ProcMapping mapping{};
  return parse_line(line, &mapping) ? std::optional(std::move(mapping)) : std::nullopt;
}

std::vector<ProcMapping> parse_proc_maps(std::string_view text) {
  std::vector<ProcMapping> mappings;
  while (!text.empty()) {
    size_t end = std::min(text.find('\n'), text.size());
    ProcMapping mapping{};
    if (parse_line(text.substr(0, end), &mapping)) mappings.push_back(std::move(mapping));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return mappings;
}

std::optional<std::vector<ProcMapping>> read_proc_maps(int pid) {
  std::string path = "/proc/" + std::to_string(pid) + "/maps";
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return std::nullopt;
  std::string text;
  size_t used = 0;
  for (;;) {
    text.resize(used + kReadBytes);
    ssize_t count = ::read(fd.get(), &text[used], kReadBytes);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return std::nullopt;
    if (count == 0) break;
    used += static_cast<size_t>(count);
  }
  return parse_proc_maps(std::string_view(text).substr(0, used));
}

}  // namespace mp
