// Any bytes as an event of the ring. The handler gets only what lies within them.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "decode.h"

namespace {

class Checker : public mp::EventHandler {
 public:
  Checker(const void *data, size_t size_bytes) : begin_(static_cast<const uint8_t *>(data)), size_bytes_(size_bytes) {}

  int calls() const { return calls_; }

  void on_free(const mp_event_free &event) override { check(&event, sizeof(event)); }
  void on_allocate(const mp_event_allocate &event) override { check(&event, sizeof(event)); }
  void on_remap(const mp_event_remap &event) override { check(&event, sizeof(event)); }
  void on_task(const mp_event_task &event) override { check(&event, sizeof(event)); }
  void on_stack(const mp_event_stack &event, const uint64_t *frames) override {
    if (event.frame_count + static_cast<uint64_t>(event.python_count) > MP_MAX_FRAMES) abort();
    if (reinterpret_cast<const uint8_t *>(frames) != begin_ + sizeof(event)) abort();
    check(&event, sizeof(event) + (event.frame_count + event.python_count) * sizeof(uint64_t));
  }
  void on_python_code(const mp_event_python_code &event, const uint8_t *line_table) override {
    if (event.name_length > sizeof(event.name) || event.file_length > sizeof(event.file)) abort();
    if (line_table != begin_ + sizeof(event)) abort();
    check(&event, sizeof(event) + std::min<uint32_t>(event.line_table_length, MP_PYTHON_MAX_LINE_TABLE));
  }
  void on_v8_places(const mp_event_v8_places &event, const mp_v8_place *places) override {
    if (event.count > MP_MAX_V8_FRAMES) abort();
    if (reinterpret_cast<const uint8_t *>(places) != begin_ + sizeof(event)) abort();
    check(&event, sizeof(event) + event.count * sizeof(*places));
  }

 private:
  void check(const void *event, size_t size_bytes) {
    if (event != begin_ || size_bytes != size_bytes_) abort();
    calls_++;
  }

  const uint8_t *begin_;
  size_t size_bytes_;
  int calls_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes) {
  // at an address that is a multiple of 8, as in the ring
  std::vector<uint64_t> words((size_bytes + 7) / 8);
  if (size_bytes > 0) memcpy(words.data(), data, size_bytes);
  Checker checker(words.data(), size_bytes);
  if (mp::decode_event(words.data(), size_bytes, checker) != (checker.calls() == 1)) abort();
  return 0;
}
