// Checks of what was sent of JavaScript frames.
#pragma once

#include "check.h"
#include "made_javascript.h"

inline std::ostream &operator<<(std::ostream &out, const mp_v8_frame &f) {
  return out << f.frame << (f.is_interpreted ? "!" : "") << std::hex << " offset " << f.byte_code_offset << " array "
             << f.byte_code_array << " arguments " << f.argument_count << " function " << f.function << " context "
             << f.context_or_frame_type << " shared " << f.shared << std::dec;
}

// One event with these frames was sent.
inline void check_sent(const char *file, int line, const MadeJavaScript &made,
                       const std::vector<mp_v8_frame> &expected) {
  if (made.ring.events.size() != 1) {
    check::fail(file, line, std::to_string(made.ring.events.size()) + " events");
    return;
  }
  const auto &[head, frames] = made.ring.events[0];
  check::equal(file, line, "count", head.count, expected.size());
  check::equal(file, line, "wrong sizes", made.ring.wrong_sizes, 0u);
  for (size_t i = 0; i < std::min(frames.size(), expected.size()); i++)
    check::equal(file, line, "frame", frames[i], expected[i]);
}

#define CHECK_SENT(made, expected) check_sent(__FILE__, __LINE__, made, expected)
