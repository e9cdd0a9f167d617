#include "decode.h"

#include <algorithm>

namespace mp {

bool decode_event(const void *data, size_t size_bytes, EventHandler &handler) {
  if (size_bytes < sizeof(mp_event)) return false;
  switch (static_cast<const mp_event *>(data)->kind) {
    case MP_EVENT_FREE:
    case MP_EVENT_RELEASE:
    case MP_EVENT_COMMIT:
    case MP_EVENT_CANCEL:
      if (size_bytes != sizeof(mp_event_free)) return false;
      handler.on_free(*static_cast<const mp_event_free *>(data));
      return true;
    case MP_EVENT_ALLOCATE:
    case MP_EVENT_UNMAP:
    case MP_EVENT_SAMPLE:
      if (size_bytes != sizeof(mp_event_allocate)) return false;
      handler.on_allocate(*static_cast<const mp_event_allocate *>(data));
      return true;
    case MP_EVENT_REMAP:
      if (size_bytes != sizeof(mp_event_remap)) return false;
      handler.on_remap(*static_cast<const mp_event_remap *>(data));
      return true;
    case MP_EVENT_STACK: {
      if (size_bytes < sizeof(mp_event_stack)) return false;
      const auto &event = *static_cast<const mp_event_stack *>(data);
      if (event.frame_count > MP_MAX_FRAMES || event.python_count > MP_MAX_FRAMES - event.frame_count) return false;
      if (size_bytes != sizeof(event) + (event.frame_count + event.python_count) * sizeof(uint64_t)) return false;
      handler.on_stack(event, reinterpret_cast<const uint64_t *>(&event + 1));
      return true;
    }
    case MP_EVENT_PYTHON_CODE: {
      if (size_bytes < sizeof(mp_event_python_code)) return false;
      const auto &event = *static_cast<const mp_event_python_code *>(data);
      if (event.name_length > MP_PYTHON_MAX_STRING || event.file_length > MP_PYTHON_MAX_STRING) return false;
      const uint32_t copied = std::min<uint32_t>(event.line_table_length, MP_PYTHON_MAX_LINE_TABLE);
      if (size_bytes != sizeof(event) + copied) return false;
      handler.on_python_code(event, reinterpret_cast<const uint8_t *>(&event + 1));
      return true;
    }
    case MP_EVENT_V8_PLACES: {
      if (size_bytes < sizeof(mp_event_v8_places)) return false;
      const auto &event = *static_cast<const mp_event_v8_places *>(data);
      if (event.count > MP_MAX_V8_FRAMES || size_bytes != sizeof(event) + event.count * sizeof(mp_v8_place))
        return false;
      handler.on_v8_places(event, reinterpret_cast<const mp_v8_place *>(&event + 1));
      return true;
    }
    case MP_EVENT_THREAD:
    case MP_EVENT_EXEC:
    case MP_EVENT_EXIT:
    case MP_EVENT_MAPPINGS:
    case MP_EVENT_THREAD_EXIT:
    case MP_EVENT_FORK:
    case MP_EVENT_SELF_STOP:
      if (size_bytes != sizeof(mp_event_task)) return false;
      handler.on_task(*static_cast<const mp_event_task *>(data));
      return true;
    default:
      return false;
  }
}

}  // namespace mp
