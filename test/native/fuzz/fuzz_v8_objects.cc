// Any bytes as the memory of a V8, of any version: those of the input over and over, or those of a heap made by hand,
// in which words of the input appear while it is read; and any bytes as the file of a program, a source text, or a
// table of positions. Reading ends, and what it gives is bounded text and existing lines.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "made_v8.h"
#include "v8_objects.h"

namespace {

enum Mode : uint8_t { kMemory, kMade, kFile, kText, kModes };

// The front of the input.
struct Header {
  uint8_t version;  // modulo the number of versions
  uint8_t mode;     // modulo kModes
  uint16_t reads;   // how many reads succeed
};

struct Replacement {
  uint16_t word;    // index, modulo the number of words
  uint8_t at_read;  // before which read
  uint8_t kind;     // modulo 4, of what `value` says: the word, what to add to it, a word to point to, bits to change
  int32_t value;
};

// Bytes that successful reads give at most: copying is what takes the time.
constexpr uint64_t kMaxBytes = 1 << 20;

struct Program {
  explicit Program(int version) : made(version) {
    const std::string text = "class A {\n  method() { call() }\n}\n";
    const uint64_t half = made.one_byte(text.substr(0, 17)), rest = made.one_byte(text.substr(17));
    const uint64_t source =
        made.sliced(made.cons(half, rest, static_cast<uint32_t>(text.size())), 0, static_cast<uint32_t>(text.size()));
    const uint64_t line_ends = made.fixed_array({MadeV8::smi(9), MadeV8::smi(31), MadeV8::smi(33), MadeV8::smi(34)});
    scripts = {made.script(7, made.thin(made.two_byte(u"/größe.js"), 9), source, made.undefined),
               made.script(8, made.external(made.chars_of(half), 17, MadeV8::kOneByte), source, line_ends)};
    const uint64_t scope =
        made.scope_info({made.one_byte("method"), made.one_byte("A.method"), 18, 31, 2, false, true});
    const uint64_t lazy = made.shared(made.one_byte("lazy"), scripts[1], 11);
    made.put(lazy, made.layout.shared_data, made.uncompiled(made.one_byte("X.lazy"), 5, 9));
    functions = {made.js_function(made.shared(scope, scripts[0], 22)), made.js_function(lazy)};
    byte_code = made.bytecode_array(8, made.byte_array({2, 84, 8, 12}));
  }

  MadeV8 made;
  std::vector<uint64_t> scripts, functions;
  uint64_t byte_code;
};

const Program &program(int version) {
  static const std::vector<Program> all = [] {
    std::vector<Program> made;
    for (int each = 0; each < kMadeV8Versions; each++) made.emplace_back(each);
    return made;
  }();
  return all[version];
}

// Counts, and ends the success of, the reads of another one.
class BoundedReader {
 public:
  BoundedReader(uint64_t reads, mp::MemoryReader reader) : left_(reads), reader_(std::move(reader)) {}

  bool operator()(uint64_t address, void *to, size_t size_bytes) {
    if (++reads_ > mp::V8Memory::kMaxReads) abort();
    if (left_ == 0 || size_bytes > kMaxBytes - bytes_) return false;
    left_--;
    bytes_ += size_bytes;
    return reader_(address, to, size_bytes);
  }

 private:
  uint64_t left_, reads_ = 0, bytes_ = 0;
  mp::MemoryReader reader_;
};

struct Words {
  std::vector<uint64_t> functions, scripts;
  uint64_t byte_code;
};

void check(int version, uint64_t reads, const Words &words, mp::MemoryReader reader) {
  BoundedReader bounded(reads, std::move(reader));
  mp::V8Objects objects(made_v8_layout(version),
                        [&](uint64_t address, void *to, size_t size) { return bounded(address, to, size); });
  const auto position = objects.position(words.byte_code, 5);
  std::vector<uint64_t> scripts = words.scripts;
  for (uint64_t function : words.functions) {
    const auto shared = objects.shared_of(function);
    const auto found = shared ? objects.function(*shared) : std::nullopt;
    if (!found) continue;
    if (found->name.empty() || found->name.size() > 4096) abort();
    if (found->script.size() > 4 * mp::V8Objects::kMaxScriptNameUnits) abort();
    if (found->end_position < found->start_position) abort();
    scripts.push_back(found->script_object);
  }
  for (uint64_t script : scripts) {
    const auto location = objects.location(script, position.value_or(5));
    if (location && (location->line == 0 || location->column == 0)) abort();
  }
}

void check_memory(int version, const Header &header, const uint8_t *data, size_t size_bytes) {
  if (size_bytes == 0) return;
  const Words words = {{0x1001, 0x2041}, {0x3001}, 0x4081};
  check(version, header.reads, words, [=](uint64_t address, void *to, size_t count) {
    auto *out = static_cast<uint8_t *>(to);
    for (size_t at = address % size_bytes; count > 0; at = 0) {
      const size_t part = std::min(count, size_bytes - at);
      memcpy(out, data + at, part);
      out += part;
      count -= part;
    }
    return true;
  });
}

void check_made(int version, const Header &header, const uint8_t *data, size_t size_bytes) {
  std::vector<Replacement> replacements(size_bytes / sizeof(Replacement));
  if (!replacements.empty()) memcpy(replacements.data(), data, replacements.size() * sizeof(Replacement));
  const Program &whole = program(version);
  MadeV8 made = whole.made;
  const uint64_t words = made.bytes.size() / 8;
  uint64_t reads = 0;
  check(version, header.reads, {whole.functions, whole.scripts, whole.byte_code},
        [&](uint64_t address, void *to, size_t count) {
          for (const Replacement &replacement : replacements) {
            if (replacement.at_read != reads) continue;
            const uint64_t at = MadeV8::kBase + 1 + replacement.word % words * 8, word = made.get(at, 0);
            const auto value = static_cast<uint64_t>(int64_t{replacement.value});
            const uint64_t results[] = {value << 32, word + value, MadeV8::kBase + 1 + value % words * 8, word ^ value};
            made.put(at, 0, results[replacement.kind % 4]);
          }
          reads++;
          return made.read(address, to, count);
        });
}

// Words of a made file are exclusive-ored.
void check_file(int version, const Header &, const uint8_t *data, size_t size_bytes) {
  static std::vector<uint8_t> files[kMadeV8Versions];
  if (files[version].empty()) files[version] = made_v8_file(version);
  std::vector<uint8_t> file = files[version];
  for (; size_bytes >= 8; data += 8, size_bytes -= 8) {
    uint32_t at, change;
    memcpy(&at, data, sizeof(at));
    memcpy(&change, data + 4, sizeof(change));
    at %= file.size() - 4;
    for (int i = 0; i < 4; i++) file[at + i] ^= static_cast<uint8_t>(change >> 8 * i);
  }
  std::string error;
  const auto elf = mp::ElfFile::from_memory(file.data(), file.size(), &error);
  if (elf) mp::find_v8(*elf);
}

void check_text(int version, const Header &header, const uint8_t *data, size_t size_bytes) {
  mp::V8Text text;
  text.is_one_byte = version % 2 == 0;
  if (text.is_one_byte) {
    text.one_byte.assign(reinterpret_cast<const char *>(data), size_bytes);
  } else {
    text.two_byte.resize(size_bytes / 2);
    memcpy(text.two_byte.data(), data, text.two_byte.size() * 2);
  }
  const mp::V8Lines lines{mp::v8_line_ends(text), 0, 0};
  if (!std::is_sorted(lines.ends.begin(), lines.ends.end()) || !lines.location(static_cast<uint32_t>(text.size())))
    abort();
  const mp::V8Classes classes(text);
  if (classes.size() > text.size()) abort();
  for (uint32_t at = 0; at < text.size(); at++)
    if (text[at] != '(' && !classes.class_of(at).empty()) abort();
  mp::to_utf8(text);
  mp::v8_source_position(data, size_bytes, header.reads);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes) {
  Header header;
  if (size_bytes < sizeof(header)) return 0;
  memcpy(&header, data, sizeof(header));
  constexpr decltype(&check_memory) kChecks[kModes] = {check_memory, check_made, check_file, check_text};
  kChecks[header.mode % kModes](header.version % kMadeV8Versions, header, data + sizeof(header),
                                size_bytes - sizeof(header));
  return 0;
}
