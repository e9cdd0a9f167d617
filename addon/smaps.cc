#include "smaps.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <utility>

#include "unique_fd.h"

namespace mp {
namespace {

constexpr size_t kReadBytes = 65536;
// Longer than a line with a path of PATH_MAX bytes that are all escaped.
constexpr size_t kMaxLineBytes = 20000;

// Of "Rss:                 644 kB". The kernel knows no other unit.
std::optional<uint64_t> resident_bytes(std::string_view line) {
  constexpr std::string_view kKey = "Rss:";
  if (line.substr(0, kKey.size()) != kKey) return std::nullopt;
  line.remove_prefix(std::min(line.find_first_not_of(" \t", kKey.size()), line.size()));
  uint64_t kilobytes = 0;
  const auto result = std::from_chars(line.data(), line.data() + line.size(), kilobytes);
  if (result.ec != std::errc() || kilobytes > UINT64_MAX / 1024) return std::nullopt;
  return kilobytes * 1024;
}

}  // namespace

void SmapsParser::add(std::string_view text) {
  for (size_t end = text.find('\n'); end != text.npos; end = text.find('\n')) {
    if (unfinished_.empty()) {
      add_line(text.substr(0, end));
    } else {
      unfinished_.append(text.substr(0, end));
      add_line(std::exchange(unfinished_, {}));
    }
    text.remove_prefix(end + 1);
  }
  // what is longer than any line is none
  if (unfinished_.size() < kMaxLineBytes) unfinished_.append(text.substr(0, kMaxLineBytes));
}

void SmapsParser::add_line(std::string_view line) {
  if (const auto bytes = resident_bytes(line)) {
    if (!std::exchange(is_known_, false)) return;
    // a kernel that gives more than there is would make nonsense of all sums
    ResidentMapping &last = mappings_.back();
    last.resident_bytes = std::min(*bytes, last.mapping.end - last.mapping.start);
  } else if (auto mapping = parse_proc_mapping(line)) {
    mappings_.push_back({std::move(*mapping), 0});
    is_known_ = true;
  }
}

std::optional<std::vector<ResidentMapping>> read_smaps(int pid) {
  const std::string path = "/proc/" + std::to_string(pid) + "/smaps";
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return std::nullopt;
  SmapsParser parser;
  std::string buffer(kReadBytes, '\0');
  for (;;) {
    const ssize_t count = ::read(fd.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return std::nullopt;
    if (count == 0) return parser.take();
    parser.add(std::string_view(buffer).substr(0, count));
  }
}

}  // namespace mp
