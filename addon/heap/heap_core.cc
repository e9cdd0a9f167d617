#include "heap_core.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>

#include "../error.h"
#include "../unique_fd.h"

namespace mp {
namespace {

constexpr uint64_t kPageBytes = 4096;

// nullptr and errno if it is no regular file with content, or can't be read.
std::unique_ptr<MappedFile> map_whole(const std::string &path) {
  // O_NONBLOCK: a path of a core file may name a FIFO by now
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status {};
  if (!fd || fstat(fd.get(), &status) != 0) return nullptr;
  errno = EINVAL;
  if (!S_ISREG(status.st_mode) || status.st_size == 0) return nullptr;
  return MappedFile::map(fd.get(), static_cast<size_t>(status.st_size));
}

std::string build_id(const uint8_t *data, size_t size_bytes) {
  std::string error;
  const auto elf = ElfFile::from_memory(data, size_bytes, &error);
  return elf ? elf->build_id() : "";
}

// Whether a file begins as `page` says that the mapped one did.
bool is_same(const MappedFile &file, const std::vector<uint8_t> &page) {
  const std::string was = build_id(page.data(), page.size());
  if (!was.empty()) return build_id(file.data(), file.size_bytes()) == was;
  const size_t there = std::min(page.size(), file.size_bytes());
  return there >= sizeof(Elf64_Ehdr) && memcmp(page.data(), file.data(), there) == 0;
}

}  // namespace

HeapCore::HeapCore(const std::string &path, std::vector<std::string> others)
    : path_(path), others_(std::move(others)), bytes_(map_whole(path)) {
  if (!bytes_) throw Error("NOT_FOUND", "cannot read " + path, errno);
  std::string error;
  core_ = CoreFile::parse(bytes_->data(), bytes_->size_bytes(), &error);
  if (!core_) throw Error("UNSUPPORTED", path + " " + error, 0);
}

std::string HeapCore::name() const {
  const std::string of = core_->pid() == 0 ? "" : " of process " + std::to_string(core_->pid());
  return "core file " + path_ + of;
}

// What the core file keeps of the beginning of a mapped file: at most a page, nothing if it does not keep that.
std::vector<uint8_t> HeapCore::first_page(const std::string &path) const {
  std::vector<uint8_t> page(kPageBytes);
  for (const ProcMapping &mapping : mappings())
    if (mapping.path == path && mapping.offset == 0) {
      page.resize(core_->copy(mapping.start, page.data(), page.size()));
      return page;
    }
  return {};
}

std::unique_ptr<MappedFile> HeapCore::find(const std::string &path) {
  const std::vector<uint8_t> page = first_page(path);
  if (page.empty() || path.empty() || path.front() != '/') return nullptr;
  std::vector<std::string> candidates = others_;
  candidates.insert(candidates.begin(), path);
  for (const std::string &candidate : candidates) {
    auto file = map_whole(candidate);
    if (file && is_same(*file, page)) return file;
  }
  return nullptr;
}

const MappedFile *HeapCore::file(const std::string &path) {
  const auto known = files_.find(path);
  if (known != files_.end()) return known->second.get();
  return files_.emplace(path, find(path)).first->second.get();
}

std::unique_ptr<ElfFile> HeapCore::open(const ProcMapping &mapping) {
  const MappedFile *mapped = file(mapping.path);
  std::string error;
  return mapped == nullptr ? nullptr : ElfFile::from_memory(mapped->data(), mapped->size_bytes(), &error);
}

bool HeapCore::read(uint64_t address, void *to, size_t size_bytes) {
  auto *out = static_cast<uint8_t *>(to);
  while (size_bytes > 0) {
    size_t copied = core_->copy(address, out, size_bytes);
    if (copied == 0) {
      const ProcMapping *mapping = core_->file_at(address);
      const MappedFile *mapped = mapping == nullptr ? nullptr : file(mapping->path);
      // the last page goes on behind the end of the file, with zeros
      const uint64_t file_bytes = mapped == nullptr ? 0 : (mapped->size_bytes() + kPageBytes - 1) & ~(kPageBytes - 1);
      const uint64_t offset = mapping == nullptr ? 0 : mapping->offset + (address - mapping->start);
      if (offset >= file_bytes) return false;
      copied = std::min(
          {uint64_t{size_bytes}, file_bytes - offset, mapping->end - address, kPageBytes - offset % kPageBytes});
      const size_t there = offset < mapped->size_bytes() ? std::min(copied, mapped->size_bytes() - offset) : 0;
      memset(out, 0, copied);
      memcpy(out, mapped->data() + offset, there);
    }
    address += copied;
    out += copied;
    size_bytes -= copied;
  }
  return true;
}

std::string HeapCore::hint() const {
  if (missing_bytes() > 0) return "; it was cut short, " + std::to_string(missing_bytes()) + " bytes are missing";
  for (const bool likely : {true, false})
    for (const auto &[path, file] : files_) {
      if (file != nullptr || (path.find("python") != path.npos) != likely) continue;
      // bit 4 of /proc/PID/coredump_filter was off
      if (first_page(path).empty()) return "; it does not keep the beginning of " + path + ", by which that is known";
      return "; " + path + " can't be read, or is another file by now: give the right one with --exe";
    }
  return "";
}

}  // namespace mp
