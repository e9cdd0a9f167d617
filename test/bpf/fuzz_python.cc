// The walk of Python frames and the copying of their code objects over memory that any bytes describe.
//
// An input makes a process as in made_python.h, then breaks it: it writes words into its structures, most of them
// addresses of others, takes pages away, and changes the layout itself, up to a random struct mp_python. What must
// hold:
//
//   - walk and copying end, after a number of reads that the limits of mp.h allow
//   - where the layout is one that the addon can make, the walk gives what the plain one of python_reference.h gives
//   - an event is as long as it says, and the copies in it are all of what memory holds
//   - a code object that was put into the ring is not sent again, one that did not fit is
#include <cstdlib>
#include <set>

#include <fuzzer/FuzzedDataProvider.h>

#include "made_python.h"
#include "python_reference.h"

namespace {

#define MUST(condition) \
  if (!(condition)) abort()

constexpr uint64_t kNames = 0x7f5000000000, kTables = 0x7f6000000000;
constexpr uint32_t kStringBytes = 100, kTableBytes = 40;

// Where an input can write, and what its words can lead to.
constexpr uint64_t kPlaces[] = {kFrames, kFrames, kFrames + 4096, kHeap,   kHeap + 4096, kCodes,  kCodes + 8,    kState,
                                kCFrame, kThread, kKey,           kCStack, kNames,       kTables, kTables + 8192};

class Fuzzed {
 public:
  Fuzzed(const uint8_t *data, size_t size_bytes) : in_(data, size_bytes), made_(in_.PickValueInArray(kMinors)) {
    put_native();
    put_frames();
    while (in_.remaining_bytes() > 8 && in_.ConsumeBool()) change_memory();
    change_layout();
    host.ring = this;
    host.output = [](void *self, const void *event, uint64_t size_bytes) {
      return static_cast<Fuzzed *>(self)->take(event, size_bytes);
    };
  }

  void run() {
    drops_ = in_.ConsumeIntegral<uint64_t>();
    const host_walk first = walk();
    const size_t dropped = dropped_;
    const std::set<uint64_t> codes = codes_of(first);
    MUST(sent_.size() + dropped >= codes.size());
    drops_ = 0;
    const host_walk second = walk();
    MUST(dropped_ == dropped && host.counters[MP_COUNTER_RING_DROPPED] == dropped);
    MUST(second.hash == first.hash && second.python_count == first.python_count);
    MUST(codes == sent_);
    // of what was sent, some is freed
    std::set<uint64_t> freed;
    for (uint64_t code : codes)
      if (in_.ConsumeBool()) freed.insert(code);
    for (uint64_t code : freed) host_forget_code(code, kPythonSeed);
    sent_.clear();
    walk();
    MUST(sent_ == freed);
  }

 private:
  static std::set<uint64_t> codes_of(const host_walk &walk) {
    std::set<uint64_t> codes;
    for (uint32_t i = 0; i < walk.python_count; i++)
      codes.insert(MP_PYTHON_FRAME_CODE(walk.frames[walk.frame_count + i]));
    return codes;
  }

  uint64_t place() { return in_.PickValueInArray(kPlaces) + in_.ConsumeIntegralInRange<uint32_t>(0, 1023) * 8; }

  uint64_t word() {
    switch (in_.ConsumeIntegralInRange(0, 7)) {
      case 0:
        return 0;
      case 1:
        return in_.ConsumeIntegral<uint8_t>();
      case 2:
        return in_.ConsumeIntegral<uint64_t>();
      case 3:
        return ~uint64_t{0} - in_.ConsumeIntegral<uint8_t>();
      case 4:
        return uint64_t{1} << in_.ConsumeIntegralInRange(0, 63);
      case 5:
        return place() + in_.ConsumeIntegralInRange(0, 7);
      default:
        return place();
    }
  }

  void put_native() {
    const uint32_t small = in_.ConsumeIntegralInRange(1, 40);
    made_.put_native(small < 40 ? small : MP_MAX_FRAMES - in_.ConsumeIntegralInRange(0, 40));
  }

  void put_frames() {
    std::vector<MadeFrame> frames;
    const mp_python &layout = made_.python;
    for (size_t i = in_.ConsumeIntegralInRange(0, 12); i > 0; i--) {
      const uint64_t address =
          (in_.ConsumeBool() ? kFrames : kHeap) + in_.ConsumeIntegralInRange<uint32_t>(0, 1000) * 8;
      const uint64_t code = kCodes + i * 0x208;
      frames.push_back({address, code, in_.ConsumeIntegralInRange(-1, 300), in_.ConsumeBool()});
      made_.memory.put(code + layout.code_name, kNames + 4096 - in_.ConsumeIntegralInRange<uint32_t>(0, 600));
      made_.memory.put(code + layout.code_file, kNames + i * kStringBytes);
      made_.memory.put(code + layout.code_line_table, kTables + i * kTableBytes);
      made_.memory.put(kTables + i * kTableBytes + 16,
                       in_.ConsumeBool() ? in_.ConsumeIntegralInRange<uint64_t>(0, 10000) : word());
    }
    made_.put_frames(frames);
  }

  void change_memory() {
    const uint64_t address = place();
    switch (in_.ConsumeIntegralInRange(0, 9)) {
      case 0:
        return made_.memory.unmap(address);
      case 1:
        return made_.memory.map(address, 1);
      case 2:
        return made_.memory.put(address + in_.ConsumeIntegralInRange(0, 7), in_.ConsumeIntegral<uint8_t>());
      case 3:
        return made_.put_current(word());
      case 4:
        return in_.ConsumeBool() ? made_.memory.put(kKey, word()) : made_.memory.put(kCurrent, word());
      case 5:
        return made_.memory.put(made_.value_of(kKeyNumber), word());
      default:
        return made_.memory.put(address, word());
    }
  }

  void change_layout() {
    std::vector<uint8_t> bytes(sizeof(made_.python));
    memcpy(bytes.data(), &made_.python, sizeof(made_.python));
    const int how = in_.ConsumeIntegralInRange(0, 7);
    if (how == 0) {
      for (uint8_t &byte : bytes) byte = in_.ConsumeIntegral<uint8_t>();
    } else if (how == 1) {
      for (int i = in_.ConsumeIntegralInRange(1, 4); i > 0; i--)
        bytes[in_.ConsumeIntegralInRange<size_t>(0, bytes.size() - 1)] = in_.ConsumeIntegral<uint8_t>();
    }
    memcpy(&made_.python, bytes.data(), sizeof(made_.python));
  }

  // The fields that are words lie within the frame as words do.
  bool is_sane() const {
    const mp_python &layout = made_.python;
    for (uint16_t field : {layout.frame_code, layout.frame_previous, layout.frame_instruction})
      if (field % 8 != 0 || field + 8 > layout.frame_size) return false;
    return layout.frame_size % 8 == 0 && layout.frame_size <= MP_PYTHON_MAX_FRAME &&
           layout.frame_entry < layout.frame_size && layout.window_size % 8 == 0 &&
           layout.window_size >= layout.frame_size && layout.window_size <= MP_STACK_WINDOW;
  }

  host_walk walk() {
    const uint64_t incomplete_before = incomplete_walks();
    const mp_python before = made_.python;
    const bool is_sane_layout = is_sane();
    made_.memory.reads = 0;
    const host_walk walk = made_.walk();
    MUST(walk.frame_count >= 1 && walk.frame_count + walk.python_count <= MP_MAX_FRAMES);
    MUST(walk.status == MP_STACK_COMPLETE);
    // two for a native frame, seven to the first frame, one for each frame, nine for a code object
    MUST(made_.memory.reads <= 2 * MP_MAX_FRAMES + 7 + MP_MAX_FRAMES + 4 + 9 * walk.python_count);
    if (!is_sane_layout) return walk;
    const ReferencePython reference = ReferencePythonWalk(made_.memory, before).walk(kThread, walk.frame_count);
    const uint64_t *frames = walk.frames + walk.frame_count;
    MUST(std::vector<uint64_t>(frames, frames + walk.python_count) == reference.frames);
    MUST(incomplete_walks() - incomplete_before == reference.incomplete);
    MUST(made_.python.tss_key == reference.key);
    return walk;
  }

  // What can be read of an object: the address of which stands in `field`.
  std::vector<uint8_t> bytes_of(uint64_t field, uint64_t offset, uint64_t size_bytes) const {
    uint64_t object;
    std::vector<uint8_t> bytes(size_bytes);
    if (!made_.memory.read(&object, 8, field) || !made_.memory.read(bytes.data(), size_bytes, object + offset))
      return {};
    return bytes;
  }
  std::vector<uint8_t> string_of(uint64_t field) const {
    uint64_t object;
    const std::vector<uint8_t> whole = bytes_of(field, 0, MP_PYTHON_MAX_STRING);
    if (!whole.empty() || !made_.memory.read(&object, 8, field)) return whole;
    const uint64_t to_page_end = 4096 - object % 4096;
    return to_page_end >= 40 && to_page_end < MP_PYTHON_MAX_STRING ? bytes_of(field, 0, to_page_end) : whole;
  }

  long take(const void *event, uint64_t size_bytes) {
    const bool drops = drops_ & 1;
    drops_ >>= 1;
    if (drops) {
      dropped_++;
      return -1;
    }
    if (static_cast<const mp_event *>(event)->kind == MP_EVENT_STACK) {
      const auto &stack = *static_cast<const mp_event_stack *>(event);
      MUST(size_bytes == sizeof(stack) + 8ull * (stack.frame_count + stack.python_count));
      return 0;
    }
    const auto &head = *static_cast<const mp_event_python_code *>(event);
    const auto line_table = reinterpret_cast<const uint8_t *>(&head + 1);
    const mp_python &layout = made_.python;
    MUST(head.event.kind == MP_EVENT_PYTHON_CODE && head.name_length <= MP_PYTHON_MAX_STRING &&
         head.file_length <= MP_PYTHON_MAX_STRING);
    MUST(std::vector<uint8_t>(head.name, head.name + head.name_length) == string_of(head.code + layout.code_name));
    MUST(std::vector<uint8_t>(head.file, head.file + head.file_length) == string_of(head.code + layout.code_file));
    uint64_t length = 0;
    const std::vector<uint8_t> length_bytes = bytes_of(head.code + layout.code_line_table, 16, 8);
    if (!length_bytes.empty()) memcpy(&length, length_bytes.data(), 8);
    const std::vector<uint8_t> table =
        bytes_of(head.code + layout.code_line_table, 32, std::min<uint64_t>(length, MP_PYTHON_MAX_LINE_TABLE));
    MUST(size_bytes == sizeof(head) + table.size());
    MUST(std::vector<uint8_t>(line_table, line_table + table.size()) == table);
    MUST(head.line_table_length == (table.empty() ? 0 : std::min<uint64_t>(length, 0x7fffffff)));
    MUST(sent_.insert(head.code).second);
    return 0;
  }

  FuzzedDataProvider in_;
  MadePython made_;
  uint64_t drops_ = 0;  // a bit for each event to come: it does not fit into the ring
  size_t dropped_ = 0;
  std::set<uint64_t> sent_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes) {
  Fuzzed(data, size_bytes).run();
  return 0;
}
