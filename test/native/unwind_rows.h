// Comparing unwind rows, and the rules that tests write down.
#pragma once

#include <cstdio>
#include <string>
#include <vector>

#include "../../bpf/mp.h"
#include "check.h"

constexpr uint32_t rsp(int32_t offset, uint32_t rbp = 0) {
  return MP_RULE(MP_CFA_RSP, rbp, offset);
}
constexpr uint32_t rbp(int32_t offset, uint32_t saved = 0) {
  return MP_RULE(MP_CFA_RBP, saved, offset);
}
constexpr uint32_t kGap = MP_RULE_FRAME_POINTER;

inline void check_rows(const char *file, int line, const std::vector<mp_unwind_row> &rows,
                       const std::vector<mp_unwind_row> &expected) {
  bool same = rows.size() == expected.size();
  for (size_t i = 0; same && i < rows.size(); i++) {
    same = rows[i].pc == expected[i].pc && rows[i].rule == expected[i].rule;
  }
  if (same) return;
  std::string text = "rows are";
  for (const mp_unwind_row &row : rows) {
    char buffer[64];
    snprintf(buffer, sizeof(buffer), " {%#x, %u:%u:%d}", row.pc, row.rule & 7, row.rule >> 3 & 127,
             static_cast<int32_t>(row.rule) >> 10);
    text += buffer;
  }
  check::fail(file, line, text);
}

#define CHECK_ROWS(rows, ...) check_rows(__FILE__, __LINE__, rows, std::vector<mp_unwind_row> __VA_ARGS__)
