// Bytes of the ring -> typed events. Pure: it trusts neither kind nor length, and knows nothing of processes.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../bpf/mp.h"

namespace mp {

class EventHandler {
 public:
  virtual ~EventHandler() = default;
  virtual void on_free(const mp_event_free &event) = 0;          // FREE, RELEASE, COMMIT, CANCEL
  virtual void on_allocate(const mp_event_allocate &event) = 0;  // ALLOCATE, UNMAP
  virtual void on_remap(const mp_event_remap &event) = 0;
  virtual void on_stack(const mp_event_stack &event, const uint64_t *frames) = 0;
  virtual void on_python_code(const mp_event_python_code &event, const uint8_t *line_table) = 0;
  virtual void on_v8_places(const mp_event_v8_places &event, const mp_v8_place *places) = 0;
  virtual void on_task(const mp_event_task &event) = 0;  // THREAD, EXEC, EXIT, MAPPINGS, THREAD_EXIT, FORK, SELF_STOP
};

// False for an event of unknown kind or wrong length; the handler was not called then.
bool decode_event(const void *data, size_t size_bytes, EventHandler &handler);

}  // namespace mp
