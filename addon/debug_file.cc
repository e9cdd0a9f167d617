#include "debug_file.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <zlib.h>

#include <vector>

namespace mp {
namespace {

constexpr const char *kDebugDirectory = "/usr/lib/debug";
constexpr uint64_t kMaxChecksumBytes = uint64_t{8} << 30;

std::string directory_of(const std::string &path) {
  return path.substr(0, path.rfind('/') + 1);
}

std::string build_id_path(const std::string &build_id) {
  return std::string(kDebugDirectory) + "/.build-id/" + build_id.substr(0, 2) + "/" + build_id.substr(2) + ".debug";
}

bool same_directory(int a, int b) {
  struct stat status_a {};
  struct stat status_b {};
  if (fstat(a, &status_a) != 0 || fstat(b, &status_b) != 0) return false;
  return status_a.st_dev == status_b.st_dev && status_a.st_ino == status_b.st_ino;
}

bool has_checksum(int fd, uint32_t expected) {
  std::vector<uint8_t> buffer(1 << 20);
  uLong crc = crc32(0, nullptr, 0);
  uint64_t at = 0;
  while (at < kMaxChecksumBytes) {
    ssize_t count = pread(fd, buffer.data(), buffer.size(), static_cast<off_t>(at));
    if (count < 0) return false;
    if (count == 0) return crc == expected;
    crc = crc32(crc, buffer.data(), static_cast<uInt>(count));
    at += static_cast<uint64_t>(count);
  }
  return false;
}

bool build_ids_agree(const std::string &a, const std::string &b) {
  return a.empty() || b.empty() || a == b;
}

std::optional<OpenElf> by_build_id(const SearchRoots &roots, const std::string &build_id) {
  if (build_id.size() < 4) return std::nullopt;
  std::string path = build_id_path(build_id);
  for (size_t i = 0; i < roots.size(); i++) {
    UniqueFd fd = roots.open(i, path);
    auto elf = open_elf(fd.get(), path);
    if (elf && elf->file->build_id() == build_id) return elf;
  }
  return std::nullopt;
}

std::optional<OpenElf> by_debuglink(const SearchRoots &roots, const DebugFileQuery &query) {
  if (!query.debuglink || query.path.empty() || query.path[0] != '/') return std::nullopt;
  const auto &[name, checksum] = *query.debuglink;
  std::string directory = directory_of(query.path);
  for (size_t i = 0; i < roots.size(); i++) {
    for (const std::string &path :
         {directory + name, directory + ".debug/" + name, kDebugDirectory + directory + name}) {
      if (path == query.path) continue;
      UniqueFd fd = roots.open(i, path);
      if (!fd || !has_checksum(fd.get(), checksum)) continue;
      auto elf = open_elf(fd.get(), path);
      if (elf && build_ids_agree(elf->file->build_id(), query.build_id)) return elf;
    }
  }
  return std::nullopt;
}

}  // namespace

SearchRoots::SearchRoots(const std::string &root) : own_(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC)) {
  if (root.empty() || root == "/") return;
  target_.reset(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (target_ && same_directory(target_.get(), own_.get())) target_.reset();
}

UniqueFd SearchRoots::open(size_t index, const std::string &path) const {
  const UniqueFd &root = target_ && index == 0 ? target_ : own_;
  struct open_how how {};
  // O_NONBLOCK: the path may be a FIFO.
  how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  UniqueFd fd(static_cast<int>(syscall(SYS_openat2, root.get(), path.c_str(), &how, sizeof(how))));
  struct stat status {};
  if (!fd || fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode)) fd.reset();
  return fd;
}

std::optional<OpenElf> open_elf(int fd, std::string path) {
  if (fd < 0) return std::nullopt;
  OpenElf elf;
  elf.image = ElfImage::read_file(fd);
  if (elf.image == nullptr) return std::nullopt;
  std::string error;
  elf.file = ElfFile::from_memory(elf.image->data(), elf.image->size_bytes(), &error);
  if (elf.file == nullptr) return std::nullopt;
  elf.path = std::move(path);
  return elf;
}

std::optional<OpenElf> find_debug_file(const SearchRoots &roots, const DebugFileQuery &query) {
  if (auto elf = by_build_id(roots, query.build_id)) return elf;
  return by_debuglink(roots, query);
}

std::shared_ptr<const ElfImage> find_alternate_file(const SearchRoots &roots, const AltLink &link,
                                                    const std::string &from_path) {
  if (auto elf = by_build_id(roots, link.build_id)) return elf->image;
  std::string path = link.path[0] == '/' ? link.path : directory_of(from_path) + link.path;
  for (size_t i = 0; i < roots.size(); i++) {
    UniqueFd fd = roots.open(i, path);
    auto elf = open_elf(fd.get(), path);
    if (elf && elf->file->build_id() == link.build_id) return elf->image;
  }
  return nullptr;
}

}  // namespace mp
