// Compares the unwind rows of real binaries with what `readelf --debug-dump=frames-interp` prints for them:
//
//   00000018 0000000000000024 0000001c FDE cie=00000000 pc=0000000000026000..0000000000026360
//      LOC           CFA      rbp   ra
//   0000000000026000 rsp+16   u     c-8
//   0000000000026006 rsp+24   c-24  c-8
//   0000000000026010 exp      c-24  c-8
//
// readelf does not print what an expression (`exp`, `vexp`) computes. What of a row it hides is not compared, but the
// row must say one of the things that an expression can become; such rows are counted.
#include "eh_frame.h"

#include <unistd.h>

#include <algorithm>
#include <cinttypes>

#include "check.h"
#include "this_machine.h"

using namespace mp;

namespace {

struct Tally {
  size_t equal = 0;
  size_t expressions = 0;
  size_t different = 0;
};

std::vector<std::string> words_of(const char *line) {
  std::vector<std::string> words;
  std::istringstream stream(line);
  for (std::string word; stream >> word;) {
    // A register that is saved in itself or another one is printed as "r10 (r10)".
    bool continues = word.front() == '(' && !words.empty();
    if (continues) {
      words.back() += word;
    } else {
      words.push_back(word);
    }
  }
  return words;
}

// The rule at a pc; MP_RULE_FRAME_POINTER stands for pcs without row.
uint32_t rule_at(const std::vector<mp_unwind_row> &rows, uint64_t pc) {
  auto next = std::upper_bound(rows.begin(), rows.end(), pc,
                               [](uint64_t value, const mp_unwind_row &row) { return value < row.pc; });
  return next == rows.begin() ? MP_RULE_FRAME_POINTER : std::prev(next)->rule;
}

struct Columns {
  std::string cfa;
  std::string rbp = "u";
  std::string return_address = "u";
};

bool rbp_agrees(const std::string &column, uint32_t rule, bool *expression) {
  uint32_t saved = rule >> 3 & 127;
  if (column == "exp") {
    *expression = true;
    return saved == MP_RBP_AT_RBP || saved == MP_RBP_LOST;
  }
  int offset = 0;
  if (sscanf(column.c_str(), "c%d", &offset) == 1) {
    bool fits = offset < 0 && offset % 8 == 0 && offset > -8 * MP_RBP_AT_RBP;
    return saved == (fits ? static_cast<uint32_t>(-offset / 8) : uint32_t{MP_RBP_LOST});
  }
  // readelf prints `u` both for "undefined" and for "never mentioned", which means unchanged.
  if (column == "u") return saved == 0 || saved == MP_RBP_LOST;
  return saved == (column == "s" ? 0 : uint32_t{MP_RBP_LOST});
}

bool row_agrees(const Columns &columns, uint32_t rule, bool signal_frame, bool *expression) {
  uint32_t kind = rule & 7;
  if (columns.cfa == "exp") {
    *expression = true;
    if (signal_frame) return rule == MP_CFA_SIGNAL;
    return kind == MP_CFA_PLT || kind == MP_CFA_DEREF || kind == MP_CFA_NONE || kind == MP_CFA_END;
  }
  if (columns.return_address == "u") return rule == MP_CFA_END;
  if (columns.return_address != "c-8") return rule == MP_CFA_NONE;
  char name[8] = "";
  int offset = 0;
  if (sscanf(columns.cfa.c_str(), "%7[a-z0-9]%d", name, &offset) != 2) return false;
  bool is_rsp = strcmp(name, "rsp") == 0;
  bool is_rbp = strcmp(name, "rbp") == 0;
  if ((!is_rsp && !is_rbp) || offset >= 1 << 21) return rule == MP_CFA_NONE;
  if (kind != (is_rsp ? MP_CFA_RSP : MP_CFA_RBP) || static_cast<int32_t>(rule) >> 10 != offset) return false;
  return rbp_agrees(columns.rbp, rule, expression);
}

class Comparison {
 public:
  Comparison(const std::vector<mp_unwind_row> &rows, uint64_t base) : rows_(rows), base_(base) {}

  void line(const char *text) {
    if (const char *fde = strstr(text, " FDE cie=")) {
      names_.clear();
      in_fde_ = sscanf(fde, " FDE cie=%" SCNx64 " pc=%*x..%" SCNx64, &cie_, &end_) == 2;
    } else if (strstr(text, " CIE \"") != nullptr) {
      in_fde_ = false;
      uint64_t at = strtoull(text, nullptr, 16);
      if (strchr(strstr(text, " CIE \""), 'S') != nullptr) signal_cies_.push_back(at);
    } else if (in_fde_) {
      row(words_of(text), text);
    }
  }

  const Tally &tally() const { return tally_; }

 private:
  void row(const std::vector<std::string> &words, const char *text) {
    if (!words.empty() && words[0] == "LOC") {
      names_ = words;
      return;
    }
    if (words.size() < 3 || words.size() != names_.size() || words[0].size() != 16) return;
    uint64_t pc = strtoull(words[0].c_str(), nullptr, 16);
    if (pc == 0 || pc >= end_) return;
    Columns columns;
    for (size_t i = 1; i < words.size(); i++) {
      if (names_[i] == "CFA") columns.cfa = words[i];
      if (names_[i] == "rbp") columns.rbp = words[i];
      if (names_[i] == "ra") columns.return_address = words[i];
    }
    bool signal_frame = std::find(signal_cies_.begin(), signal_cies_.end(), cie_) != signal_cies_.end();
    bool expression = false;
    uint32_t rule = rule_at(rows_, pc - base_);
    if (!row_agrees(columns, rule, signal_frame, &expression)) {
      tally_.different++;
      if (tally_.different <= 10) fprintf(stderr, "  rule %#x, readelf: %s", rule, text);
    } else {
      (expression ? tally_.expressions : tally_.equal)++;
    }
  }

  const std::vector<mp_unwind_row> &rows_;
  uint64_t base_;
  bool in_fde_ = false;
  uint64_t cie_ = 0;
  uint64_t end_ = 0;
  std::vector<uint64_t> signal_cies_;
  std::vector<std::string> names_;
  Tally tally_;
};

void compare(const std::string &path, size_t least_rows) {
  std::string error;
  auto elf = ElfFile::open(path, &error);
  if (elf == nullptr) return check::fail(__FILE__, __LINE__, error);
  EhFrameStats stats;
  auto rows = build_unwind_rows(*elf, &stats);
  CHECK_EQ(stats.skipped_fdes, 0u);
  Comparison comparison(rows, elf->lowest_address());
  FILE *pipe = popen(("readelf --debug-dump=frames-interp '" + path + "' 2>/dev/null").c_str(), "r");
  if (pipe == nullptr) return check::fail(__FILE__, __LINE__, "cannot run readelf");
  char line[4096];
  while (fgets(line, sizeof(line), pipe) != nullptr) comparison.line(line);
  pclose(pipe);
  const Tally &tally = comparison.tally();
  printf("  %s: %zu rows equal, %zu with expressions, %zu different; %zu of our own\n", path.c_str(), tally.equal,
         tally.expressions, tally.different, rows.size());
  CHECK_EQ(tally.different, 0u);
  CHECK(tally.equal >= least_rows);
}

bool has_readelf() {
  return !output_of("command -v readelf").empty();
}

}  // namespace

TEST(rows_of_the_c_library) {
  if (!has_readelf()) SKIP("no readelf");
  compare(libc_path(), 10000);
}

TEST(rows_of_node) {
  std::string node = first_line(output_of("node -p process.execPath 2>/dev/null"));
  if (!has_readelf() || node.empty()) SKIP("no readelf or node");
  compare(node, 100000);
}

TEST(rows_of_python) {
  std::string script = "import sys, os; print(os.path.realpath(sys.executable))";
  std::string python = first_line(output_of("/usr/bin/python3 -c '" + script + "' 2>/dev/null"));
  if (!has_readelf() || python.empty()) SKIP("no readelf or python3");
  // A few rows if the interpreter is in libpython.
  compare(python, 5);
}

TEST(rows_of_this_program) {
  if (!has_readelf()) SKIP("no readelf");
  compare("/proc/" + std::to_string(getpid()) + "/exe", 300);
}
