// The walk through JavaScript frames and the copying of their slots over a stack that any bytes describe.
//
// An input makes a process as in made_javascript.h, then writes words into its stack, most of them addresses in it, and
// takes pages away. What must hold:
//
//   - the walk gives what the plain one of reference.h gives, and sends the places of the innermost frames that this
//   one
//     went through
//   - walk and copying end, after a number of reads that the limits of mp.h allow
//   - places come before their stack; nothing that was put into the ring comes again, what did not fit does
#include <cstdlib>

#include <fuzzer/FuzzedDataProvider.h>

#include "made_javascript.h"

namespace {

#define MUST(condition) \
  if (!(condition)) abort()

class Fuzzed {
 public:
  Fuzzed(const uint8_t *data, size_t size_bytes)
      : in_(data, size_bytes), made_(in_.ConsumeIntegralInRange(0, 7) ? MP_PROCESS_V8 | MP_PROCESS_JAVASCRIPT : 0) {
    std::vector<JavaScriptFrame> frames;
    const size_t repeated = in_.ConsumeIntegralInRange(0, 9) ? 1 : 80;  // more than are sent
    for (size_t i = in_.ConsumeIntegralInRange(1, 30); i > 0; i--) frames.insert(frames.end(), repeated, frame(i));
    made_.put(frames, kStack + in_.ConsumeIntegralInRange(0, 4096));
    size_bytes_ = made_.return_slot(frames.size() - 1) + 8 - kStack;
    host.v8s[0].function_shared = in_.ConsumeIntegralInRange(0, 64);
    while (in_.remaining_bytes() > 8 && in_.ConsumeBool()) change_memory();
    if (in_.ConsumeBool()) made_.bp = word();
  }

  void run() {
    made_.ring.room = in_.ConsumeIntegralInRange(0, 2);
    const host_walk first = walk();
    const uint64_t dropped = host.counters[MP_COUNTER_RING_DROPPED];
    const bool is_whole = !made_.ring.stacks.empty();
    MUST(dropped == !is_whole);
    made_.ring.room = UINT64_MAX;
    made_.ring.clear();
    const host_walk second = walk();
    MUST(second.hash == first.hash);
    MUST(made_.ring.stacks.size() == !is_whole);
    made_.ring.clear();
    walk();
    MUST(made_.ring.kinds.empty());
    are_places_sent_ = false;
    host.v8s[0].begun++;
    host.v8s[0].ended++;
    MUST((walk().hash != first.hash) == has_v8_frames_);
  }

 private:
  JavaScriptFrame frame(size_t n) {
    switch (in_.ConsumeIntegralInRange(0, 2)) {
      case 0:
        return native();
      case 1:
        return interpreted(n);
      default:
        return compiled(n);
    }
  }

  uint64_t place() { return kStack + in_.ConsumeIntegralInRange<uint64_t>(0, size_bytes_ + 16); }

  uint64_t word() {
    switch (in_.ConsumeIntegralInRange(0, 6)) {
      case 0:
        return in_.ConsumeIntegral<uint8_t>();
      case 1:
        return in_.ConsumeIntegral<uint64_t>();
      case 2:
        return ~uint64_t{0} - in_.ConsumeIntegral<uint8_t>();
      case 3:
        return place() | uint64_t{1} << in_.ConsumeIntegralInRange(0, 63);
      case 4:
        return frame(in_.ConsumeIntegral<uint8_t>()).pc;
      default:
        return place();
    }
  }

  void change_memory() {
    switch (in_.ConsumeIntegralInRange(0, 7)) {
      case 0:
        return made_.memory.unmap(place());
      case 1:
        return made_.memory.unmap(kFunctions);
      default:
        return made_.memory.put(place(), word());
    }
  }

  host_walk walk() {
    made_.memory.reads = 0;
    const host_walk walk = made_.walk();
    // Three for a frame, or two and five more for the slots of one of JavaScript, then two for each that is sent.
    MUST(made_.memory.reads <= 8 * MP_MAX_FRAMES + 2 * MP_MAX_V8_FRAMES);
    const ReferenceWalk plain = made_.plain_walk();
    MUST(same(walk, plain));
    const std::vector<mp_v8_place> expected = made_.plain_places(plain);
    has_v8_frames_ = !expected.empty();
    const JavaScriptRing &ring = made_.ring;
    MUST(ring.wrong_sizes == 0 && ring.events.size() <= 1 && ring.stacks.size() <= 1);
    if (!ring.stacks.empty()) MUST(ring.kinds.back() == MP_EVENT_STACK);
    // once each, until a collection
    if (!ring.kinds.empty()) MUST(ring.events.size() == (has_v8_frames_ && !are_places_sent_));
    for (const JavaScriptRing::Event &event : ring.events) {
      MUST(event.head.count == event.places.size() && event.places == expected);
      are_places_sent_ = true;
    }
    return walk;
  }

  FuzzedDataProvider in_;
  MadeJavaScript made_;
  uint64_t size_bytes_ = 0;  // of the stack
  bool has_v8_frames_ = false, are_places_sent_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes) {
  Fuzzed(data, size_bytes).run();
  return 0;
}
