#include "inner_map.h"

#include <bpf/bpf.h>
#include <sys/mman.h>

#include <utility>

#include "error.h"

namespace mp {

InnerMap::InnerMap(const char *name, uint32_t element_bytes, uint32_t count)
    : size_bytes_((size_t{count} * element_bytes + 4095) & ~size_t{4095}) {
  LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_INNER_MAP | BPF_F_MMAPABLE);
  fd_.reset(bpf_map_create(BPF_MAP_TYPE_ARRAY, name, sizeof(uint32_t), element_bytes, count, &options));
  if (!fd_) throw Error("LOAD", std::string("cannot create the BPF map ") + name, errno);
  void *memory = mmap(nullptr, size_bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, fd_.get(), 0);
  if (memory == MAP_FAILED) throw Error("LOAD", std::string("cannot fill the BPF map ") + name, errno);
  memory_ = memory;
}

InnerMap::InnerMap(InnerMap &&other) noexcept
    : fd_(std::move(other.fd_)),
      memory_(std::exchange(other.memory_, nullptr)),
      size_bytes_(std::exchange(other.size_bytes_, 0)) {}

InnerMap &InnerMap::operator=(InnerMap &&other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(memory_, other.memory_);
  std::swap(size_bytes_, other.size_bytes_);
  return *this;
}

InnerMap::~InnerMap() {
  if (memory_) munmap(memory_, size_bytes_);
}

}  // namespace mp
