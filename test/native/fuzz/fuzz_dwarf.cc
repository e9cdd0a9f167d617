// Any bytes as an ELF file with symbols and DWARF: opened as a module's file is, some addresses resolved.
//
// Inputs to begin with are compiled here, as small as compilers make them: what matters is the DWARF, and random
// changes of a large file seldom hit it.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "elf.h"
#include "symbolize.h"

extern "C" size_t LLVMFuzzerMutate(uint8_t *data, size_t size_bytes, size_t max_bytes);

namespace {

volatile size_t sink;

constexpr const char *kSource = R"(
struct list { int *items; int count; };
int *allocate(int count);
static inline __attribute__((always_inline)) int *grow(struct list *list) { return allocate(list->count * 2); }
static inline __attribute__((always_inline)) void add(struct list *list, int item) {
  { int *items = grow(list); list->items = items; }
  list->items[list->count++] = item;
}
namespace { struct Reader { void read(struct list *list) { add(list, 1); if (list->count > 9) throw_away(list); }
  __attribute__((noinline, cold)) static void throw_away(struct list *list) { list->items = allocate(1); } }; }
int *allocate(int count) { static int pool[64]; return pool + count % 64; }
extern "C" void run(struct list *list) { Reader reader; reader.read(list); add(list, 2); }
)";

constexpr const char *kCompilers[] = {
    "g++ -O2 -gdwarf-5",
    "g++ -O2 -gdwarf-4",
    "g++ -O2 -gdwarf-2 -gstrict-dwarf",
    "g++ -O2 -gdwarf-5 -gz=zlib",
    "clang++-14 -O2 -gdwarf-5",
    "clang++-14 -O2 -gdwarf-4",
    "g++ -O2 -g -ffunction-sections -gno-as-loc-support",
};

// Directory with the compiled inputs; "" if it can't be made.
std::string make_seeds() {
  char directory[] = "/tmp/fuzz-dwarf-XXXXXX";
  if (mkdtemp(directory) == nullptr) return "";
  std::string base = directory;
  std::ofstream(base + "/seed.cc") << kSource;
  int number = 0;
  for (const char *compiler : kCompilers) {
    std::string command = std::string(compiler) + " -shared -fPIC -nostdlib -fno-asynchronous-unwind-tables " + base +
                          "/seed.cc -o " + base + "/seed" + std::to_string(number++) + " 2>/dev/null";
    if (system(command.c_str()) != 0) fprintf(stderr, "no seed of %s\n", compiler);
  }
  std::remove((base + "/seed.cc").c_str());
  return base;
}

void resolve(mp::ModuleSymbols *symbols, uint64_t address) {
  std::vector<mp::SymbolFrame> frames = symbols->resolve(address);
  if (frames.empty() || frames.back().inlined) abort();
  for (const mp::SymbolFrame &frame : frames) sink = sink + frame.function.size() + frame.file.size() + frame.line;
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int *argc, char ***argv) {
  static std::vector<char *> arguments(*argv, *argv + *argc);
  for (char *argument : arguments) {
    // A single input to be run again, or a worker of another process, which has the seeds.
    bool file = argument != arguments[0] && argument[0] != '-' && std::ifstream(argument).peek() != EOF;
    if (file || strncmp(argument, "-merge", 6) == 0) return 0;
  }
  static std::string seeds = make_seeds();
  if (!seeds.empty()) {
    arguments.push_back(seeds.data());
    atexit([] { std::filesystem::remove_all(seeds); });
  }
  arguments.push_back(nullptr);
  *argc = static_cast<int>(arguments.size() - 1);
  *argv = arguments.data();
  return 0;
}

// Most changes fall into one debug section; elsewhere they only make the file no ELF file.
extern "C" size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size_bytes, size_t max_bytes, unsigned seed) {
  constexpr const char *names[] = {".debug_info",     ".debug_info",        ".debug_abbrev",   ".debug_abbrev",
                                   ".debug_line",     ".debug_str",         ".debug_line_str", ".debug_ranges",
                                   ".debug_rnglists", ".debug_str_offsets", ".debug_addr",     ".strtab"};
  std::string error;
  auto elf = seed % 16 == 0 ? nullptr : mp::ElfFile::from_memory(data, size_bytes, &error);
  auto section = elf == nullptr ? std::nullopt : elf->section(names[seed / 16 % std::size(names)]);
  if (!section || section->size_bytes == 0) return LLVMFuzzerMutate(data, size_bytes, max_bytes);
  uint8_t *bytes = data + section->file_offset;
  std::vector<uint8_t> changed(bytes, bytes + section->size_bytes);
  size_t at = seed / 256 % changed.size();
  size_t length = std::min<size_t>(changed.size() - at, 1 + seed / 65536 % 64);
  LLVMFuzzerMutate(changed.data() + at, length, length);
  memcpy(bytes, changed.data(), changed.size());
  return size_bytes;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes) {
  auto symbols = mp::ModuleSymbols::from_memory(data, size_bytes);
  for (uint64_t address : {uint64_t{0}, uint64_t{1}, uint64_t{0x1000}, UINT64_MAX}) resolve(symbols.get(), address);
  // The code of a small library begins at 0x1000; functions are found at odd distances.
  for (uint64_t address = 0x1001; address < 0x1200; address += 13) resolve(symbols.get(), address);
  std::string error;
  auto elf = mp::ElfFile::from_memory(data, size_bytes, &error);
  if (elf == nullptr) return 0;
  size_t left = 32;
  for (const mp::ElfSymbol &symbol : elf->symbols(true)) {
    if (left-- == 0) break;
    resolve(symbols.get(), symbol.address);
    resolve(symbols.get(), symbol.address + symbol.size_bytes / 2);
  }
  return 0;
}
