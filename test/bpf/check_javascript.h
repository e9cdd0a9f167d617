// Checks of what was sent of JavaScript frames.
#pragma once

#include "check.h"
#include "made_javascript.h"

inline std::ostream &operator<<(std::ostream &out, const mp_v8_place &p) {
  return out << std::hex << p.place << " shared " << p.shared << std::dec;
}

// One event with these places was sent.
inline void check_sent(const char *file, int line, const MadeJavaScript &made,
                       const std::vector<mp_v8_place> &expected) {
  if (made.ring.events.size() != !expected.empty()) {
    check::fail(file, line, std::to_string(made.ring.events.size()) + " events");
    return;
  }
  check::equal(file, line, "wrong sizes", made.ring.wrong_sizes, 0u);
  if (expected.empty()) return;
  const auto &[head, places] = made.ring.events[0];
  check::equal(file, line, "count", head.count, expected.size());
  for (size_t i = 0; i < std::min(places.size(), expected.size()); i++)
    check::equal(file, line, "place", places[i], expected[i]);
}

#define CHECK_SENT(made, expected) check_sent(__FILE__, __LINE__, made, expected)
