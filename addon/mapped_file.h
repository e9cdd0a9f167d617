// A file of somebody else, mapped for reading. Its owner may shorten it at any moment, and reading behind the new end
// is a SIGBUS, which would end the tracer: such pages read as zeros instead.
//
// The handler of SIGBUS is that of the process. What it doesn't know it leaves to the action that was there before.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace mp {

class MappedFile {
 public:
  // The first `size_bytes` of a regular file; nullptr and errno if that can't be done.
  static std::unique_ptr<MappedFile> map(int fd, size_t size_bytes);
  MappedFile(const MappedFile &) = delete;
  ~MappedFile();

  const uint8_t *data() const { return data_; }
  size_t size_bytes() const { return size_bytes_; }

 private:
  MappedFile(const uint8_t *data, size_t size_bytes, size_t slot) : data_(data), size_bytes_(size_bytes), slot_(slot) {}

  const uint8_t *data_;
  size_t size_bytes_;
  size_t slot_;  // where the handler finds it
};

}  // namespace mp
