#include "dwarf.h"

#include <chrono>
#include <deque>
#include <new>

#include "dwarf_check.h"
#include "dwarf_entry.h"
#include "interval_index.h"

namespace mp {
namespace {

constexpr uint64_t kMaxUnitVisits = 4'000'000;      // to find the units of a file
constexpr uint64_t kMaxFunctionVisits = 8'000'000;  // to find the functions of a unit
constexpr uint64_t kMaxLookupVisits = 1'000'000;    // for one address
constexpr int kMaxDepth = 64;
constexpr uint32_t kMaxLine = 1 << 30;

using Clock = std::chrono::steady_clock;
// A file that costs more than this for each address, after a grace for its indexes, is not asked any more.
constexpr Clock::duration kGraceTime = std::chrono::seconds(20);
constexpr Clock::duration kMeanLookupTime = std::chrono::milliseconds(20);

// libdw's own handler ends the process.
__attribute__((noreturn)) void throw_out_of_memory() {
  throw std::bad_alloc();
}

struct ElfEnd {
  void operator()(Elf *elf) const { elf_end(elf); }
};
struct DwarfEnd {
  void operator()(Dwarf *dwarf) const { dwarf_end(dwarf); }
};

// libdw's view of an image.
struct Session {
  std::shared_ptr<const ElfImage> image;
  std::unique_ptr<Elf, ElfEnd> elf;
  std::unique_ptr<Dwarf, DwarfEnd> dwarf;
};

Session begin_session(std::shared_ptr<const ElfImage> image) {
  Session session;
  if (image == nullptr || !dwarf_units_are_sane(*image)) return session;
  elf_version(EV_CURRENT);
  session.elf.reset(elf_memory(reinterpret_cast<char *>(image->data()), image->size_bytes()));
  if (session.elf != nullptr) session.dwarf.reset(dwarf_begin_elf(session.elf.get(), DWARF_C_READ, nullptr));
  if (session.dwarf != nullptr) dwarf_new_oom_handler(session.dwarf.get(), throw_out_of_memory);
  session.image = std::move(image);
  return session;
}

// "/src/lib/../include/./list.h" is "/src/include/list.h".
std::string normalize(const std::string &path) {
  bool absolute = !path.empty() && path[0] == '/';
  std::vector<std::string> parts;
  for (size_t at = 0; at < path.size();) {
    size_t end = std::min(path.find('/', at), path.size());
    std::string part = path.substr(at, end - at);
    at = end + 1;
    if (part.empty() || part == ".") continue;
    if (part == ".." && !parts.empty() && parts.back() != "..") {
      parts.pop_back();
    } else if (part != ".." || !absolute) {
      parts.push_back(part);
    }
  }
  std::string text;
  for (const std::string &part : parts) text += (text.empty() && !absolute ? "" : "/") + part;
  return text;
}

uint64_t number_attribute(Dwarf_Die *entry, unsigned name) {
  Dwarf_Attribute attribute;
  Dwarf_Word value = 0;
  if (dwarf_formudata(dwarf_attr(entry, name, &attribute), &value) != 0) return 0;
  return value;
}

bool may_contain_functions(int tag) {
  switch (tag) {
    case DW_TAG_subprogram:
    case DW_TAG_namespace:
    case DW_TAG_module:
    case DW_TAG_class_type:
    case DW_TAG_structure_type:
    case DW_TAG_union_type:
    case DW_TAG_lexical_block:
      return true;
    default:
      return false;
  }
}

}  // namespace

class DwarfFile::Reader {
 public:
  Reader(Session main, Session alternate) : main_(std::move(main)), alternate_(std::move(alternate)) {
    dwarf_setalt(main_.dwarf.get(), alternate_.dwarf.get());
    index_units();
  }
  ~Reader() { dwarf_setalt(main_.dwarf.get(), nullptr); }

  std::vector<SymbolFrame> resolve(uint64_t address);

 private:
  struct Unit {
    Dwarf_Die entry;
    std::string directory;
    bool has_functions = false;
    bool has_lines = false;
    IntervalIndex<Dwarf_Die> functions;
    Dwarf_Files *files = nullptr;  // nullptr: no line table
    size_t file_count = 0;
  };

  void index_units();
  void index_functions(Unit *unit);
  void add_functions(Unit *unit, Dwarf_Die *scope, int depth, Budget *budget);
  void open_lines(Unit *unit);
  bool find_inlined(Dwarf_Die *scope, uint64_t address, int depth, Budget *budget, std::vector<Dwarf_Die> *chain);
  std::vector<SymbolFrame> frames_at(Unit *unit, uint64_t address);
  std::string path(const Unit &unit, const char *name) const;

  Session main_;
  Session alternate_;
  std::deque<Unit> units_;
  IntervalIndex<Unit *> unit_index_;
  FunctionNames names_;
  uint64_t decoded_line_bytes_ = 0;
  uint64_t lookups_ = 0;
  Clock::duration spent_{};
};

void DwarfFile::Reader::index_units() {
  Budget budget(kMaxUnitVisits);
  Dwarf_CU *cu = nullptr;
  uint8_t type = 0;
  Dwarf_Die entry;
  // No split units (the last argument): libdw would open the .dwo files that a skeleton names.
  while (budget.spend() && dwarf_get_units(main_.dwarf.get(), cu, &cu, nullptr, &type, &entry, nullptr) == 0) {
    if ((type != DW_UT_compile && type != DW_UT_skeleton) || dwarf_tag(&entry) != DW_TAG_compile_unit) continue;
    Unit *unit = nullptr;
    any_range(&entry, &budget, [&](uint64_t start, uint64_t end) {
      if (unit == nullptr) {
        unit = &units_.emplace_back();
        unit->entry = entry;
      }
      unit_index_.add(start, end, unit);
      return false;
    });
  }
  unit_index_.sort();
}

void DwarfFile::Reader::index_functions(Unit *unit) {
  unit->has_functions = true;
  Budget budget(kMaxFunctionVisits);
  add_functions(unit, &unit->entry, 0, &budget);
  unit->functions.sort();
}

void DwarfFile::Reader::add_functions(Unit *unit, Dwarf_Die *scope, int depth, Budget *budget) {
  if (depth > kMaxDepth) return;
  any_child(scope, budget, [&](Dwarf_Die *child) {
    int tag = dwarf_tag(child);
    if (tag == DW_TAG_subprogram) {
      any_range(child, budget, [&](uint64_t start, uint64_t end) {
        unit->functions.add(start, end, *child);
        return false;
      });
    }
    if (may_contain_functions(tag)) add_functions(unit, child, depth + 1, budget);
    return budget->exhausted();
  });
}

void DwarfFile::Reader::open_lines(Unit *unit) {
  unit->has_lines = true;
  Dwarf_Attribute attribute;
  Dwarf_Word offset = 0;
  if (dwarf_formudata(dwarf_attr(&unit->entry, DW_AT_stmt_list, &attribute), &offset) != 0) return;
  if (!dwarf_line_table_is_sane(*main_.image, offset, &decoded_line_bytes_)) return;
  const char *directory = dwarf_formstring(dwarf_attr(&unit->entry, DW_AT_comp_dir, &attribute));
  unit->directory = directory == nullptr ? "" : directory;
  if (dwarf_getsrcfiles(&unit->entry, &unit->files, &unit->file_count) != 0) unit->files = nullptr;
}

std::string DwarfFile::Reader::path(const Unit &unit, const char *name) const {
  if (name == nullptr || *name == '\0') return "";
  std::string path = name;
  std::string base = path.substr(path.rfind('/') + 1);
  if (base == "???" || base == "<artificial>" || base == "<built-in>" || base == "<unknown>") return "";
  // libdw puts the directory of the table in front, which may be relative to, or be, the compilation directory.
  bool complete = path[0] == '/' || unit.directory.empty() || path.rfind(unit.directory + "/", 0) == 0;
  return normalize(complete ? path : unit.directory + "/" + path);
}

// Appends the inlined functions that contain the address, outermost first. true if it found one.
bool DwarfFile::Reader::find_inlined(Dwarf_Die *scope, uint64_t address, int depth, Budget *budget,
                                     std::vector<Dwarf_Die> *chain) {
  if (depth > kMaxDepth) return false;
  return any_child(scope, budget, [&](Dwarf_Die *child) {
    int tag = dwarf_tag(child);
    if (tag == DW_TAG_inlined_subroutine && contains(child, address, budget)) {
      chain->push_back(*child);
      find_inlined(child, address, depth + 1, budget, chain);
      return true;
    }
    if (tag != DW_TAG_lexical_block) return false;
    // A block may have no ranges and yet inlined functions that have.
    bool has_ranges = dwarf_hasattr(child, DW_AT_ranges) || dwarf_hasattr(child, DW_AT_low_pc);
    if (has_ranges && !contains(child, address, budget)) return false;
    return find_inlined(child, address, depth + 1, budget, chain);
  });
}

std::vector<SymbolFrame> DwarfFile::Reader::frames_at(Unit *unit, uint64_t address) {
  Budget budget(kMaxLookupVisits);
  if (!unit->has_lines) open_lines(unit);
  if (!unit->has_functions) index_functions(unit);

  SymbolFrame frame;
  auto set_place = [&](const char *file, int64_t line) {
    frame.file = path(*unit, file);
    frame.line = line > 0 && line < kMaxLine ? static_cast<uint32_t>(line) : 0;
  };
  Dwarf_Line *line = unit->files == nullptr ? nullptr : dwarf_getsrc_die(&unit->entry, address);
  int number = 0;
  if (line != nullptr && dwarf_lineno(line, &number) == 0) set_place(dwarf_linesrc(line, nullptr, nullptr), number);

  const Dwarf_Die *function = unit->functions.find(address);
  std::vector<Dwarf_Die> chain;
  if (function != nullptr) {
    Dwarf_Die scope = *function;
    chain.push_back(scope);
    find_inlined(&scope, address, 0, &budget, &chain);
  }
  std::vector<SymbolFrame> frames;
  for (size_t i = chain.size(); i-- > 0;) {
    frame.function = names_.name(&chain[i], &budget);
    frame.inlined = i > 0;
    frames.push_back(frame);
    uint64_t file = number_attribute(&chain[i], DW_AT_call_file);
    bool known = unit->files != nullptr && file < unit->file_count;
    set_place(known ? dwarf_filesrc(unit->files, file, nullptr, nullptr) : nullptr,
              static_cast<int64_t>(number_attribute(&chain[i], DW_AT_call_line)));
  }
  if (frames.empty() && !frame.file.empty()) frames.push_back(frame);
  return frames;
}

std::vector<SymbolFrame> DwarfFile::Reader::resolve(uint64_t address) {
  Unit *const *unit = unit_index_.find(address);
  if (unit == nullptr || spent_ > kGraceTime + lookups_ * kMeanLookupTime) return {};
  Clock::time_point start = Clock::now();
  std::vector<SymbolFrame> frames = frames_at(*unit, address);
  spent_ += Clock::now() - start;
  lookups_++;
  return frames;
}

DwarfFile::DwarfFile(std::unique_ptr<Reader> reader) : reader_(std::move(reader)) {}
DwarfFile::~DwarfFile() = default;

std::unique_ptr<DwarfFile> DwarfFile::open(std::shared_ptr<const ElfImage> image,
                                           std::shared_ptr<const ElfImage> alternate) {
  Session main = begin_session(std::move(image));
  if (main.dwarf == nullptr) return nullptr;
  auto reader = std::make_unique<Reader>(std::move(main), begin_session(std::move(alternate)));
  return std::unique_ptr<DwarfFile>(new DwarfFile(std::move(reader)));
}

std::vector<SymbolFrame> DwarfFile::resolve(uint64_t address) {
  return reader_->resolve(address);
}

}  // namespace mp
