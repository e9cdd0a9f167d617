// The resident memory of processes, as a session records it.
#include "clock.h"
#include "session.h"

namespace mp {

// The record stands among the events, so that what was live then is known.
void Session::add_resident(const Process &process) {
  if (!process.announced || !batch_.words) return;
  const V8Module *v8 = process.v8_module ? &*process.v8_module->v8 : nullptr;
  const auto *chunk = v8 ? find_v8_chunk_layout(v8->image.major, v8->image.minor) : nullptr;
  const auto resident = resident_.sample(process.index, process.pid, chunk);
  if (!resident) return;
  batch_.residents.push_back({process.index, chunk != nullptr, *resident});
  batch_.add(record_head(MP_OPERATION_RESIDENT), process.index, 0, 0, batch_.residents.size() - 1, monotonic_ns());
}

// One at most: the ring fills meanwhile.
void Session::sample_resident() {
  const auto due = resident_.due(monotonic_ns());
  if (!due) return;
  for (const auto &[pid, process] : targets_.processes())
    if (process->index == *due) return add_resident(*process);
  resident_.forget(*due);
}

// As it was when the recording ended.
void Session::sample_last_resident() {
  for (const auto &[pid, process] : targets_.processes())
    if (!batch_.full(monotonic_ns())) add_resident(*process);
}

}  // namespace mp
