#include "resident_sampler.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>

#include "clock.h"
#include "unique_fd.h"

namespace mp {
namespace {

constexpr uint64_t kIntervalNs = 1'000'000'000;
constexpr uint64_t kShareOfTime = 100;
constexpr uint64_t kMinGrowthBytes = 4 << 20;
constexpr uint64_t kPageBytes = 4096;

// What this thread has worked, also in the kernel.
uint64_t worked_ns() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec * 1'000'000'000ull + now.tv_nsec;
}

// /proc/PID/pagemap: a word for each page (Documentation/admin-guide/mm/pagemap.rst).
class Pagemap {
 public:
  explicit Pagemap(int pid) : fd_(::open(path(pid).c_str(), O_RDONLY | O_CLOEXEC)) {}

  // Bytes of the range that are in memory, as far as that can be read.
  uint64_t present_bytes(const AddressRange &range) const {
    std::array<uint64_t, 512> words;
    uint64_t pages = 0;
    const uint64_t end = (range.second + kPageBytes - 1) / kPageBytes;
    for (uint64_t page = range.first / kPageBytes; page < end;) {
      const size_t wanted = std::min<uint64_t>(end - page, words.size());
      const ssize_t got = pread(fd_.get(), words.data(), wanted * sizeof(uint64_t), page * sizeof(uint64_t));
      if (got < static_cast<ssize_t>(sizeof(uint64_t))) break;
      const size_t count = got / sizeof(uint64_t);
      pages += std::count_if(words.begin(), words.begin() + count, [](uint64_t word) { return word >> kPresent; });
      page += count;
    }
    return pages * kPageBytes;
  }

 private:
  static constexpr int kPresent = 63;
  static std::string path(int pid) { return "/proc/" + std::to_string(pid) + "/pagemap"; }

  UniqueFd fd_;
};

// Only what is in memory is read: to read more would bring it there.
MemoryReader present_reader(int pid, const Pagemap &pagemap) {
  return [pid, &pagemap](uint64_t address, void *to, size_t size_bytes) {
    const uint64_t first = address / kPageBytes * kPageBytes;
    const uint64_t end = (address + size_bytes + kPageBytes - 1) / kPageBytes * kPageBytes;
    return pagemap.present_bytes({first, end}) == end - first && read_memory(pid, address, to, size_bytes);
  };
}

std::optional<uint64_t> read_stack_pointer(const std::string &task) {
  char text[512];
  const UniqueFd fd(::open((task + "/syscall").c_str(), O_RDONLY | O_CLOEXEC));
  const ssize_t length = fd ? ::read(fd.get(), text, sizeof(text)) : 0;
  return length > 0 ? parse_stack_pointer({text, static_cast<size_t>(length)}) : std::nullopt;
}

// A thread that runs now keeps the one that it had when it slept: its stack stays where it is.
void update_stack_pointers(int pid, std::map<int, uint64_t> &known) {
  const std::string folder = "/proc/" + std::to_string(pid) + "/task";
  const std::unique_ptr<DIR, int (*)(DIR *)> tasks(opendir(folder.c_str()), closedir);
  std::map<int, uint64_t> present;
  while (const dirent *entry = tasks ? readdir(tasks.get()) : nullptr) {
    const int tid = atoi(entry->d_name);
    if (tid == 0 || tid == pid) continue;  // the first thread's has a name in smaps
    const auto pointer = read_stack_pointer(folder + "/" + entry->d_name);
    const auto old = known.find(tid);
    if (pointer)
      present[tid] = *pointer;
    else if (old != known.end())
      present.insert(*old);
  }
  known = std::move(present);
}

}  // namespace

void ResidentSampler::note(uint32_t process, uint64_t rss_bytes, uint64_t now_ns) {
  State &state = processes_[process];
  if (rss_bytes > state.largest_bytes + std::max(state.largest_bytes / 10, kMinGrowthBytes))
    state.due_ns = std::min(state.due_ns, now_ns);
}

std::optional<uint32_t> ResidentSampler::due(uint64_t now_ns) const {
  if (now_ns < next_ns_) return std::nullopt;
  const auto first = std::min_element(processes_.begin(), processes_.end(),
                                      [](const auto &a, const auto &b) { return a.second.due_ns < b.second.due_ns; });
  return first != processes_.end() && first->second.due_ns <= now_ns ? std::optional(first->first) : std::nullopt;
}

std::optional<Resident> ResidentSampler::sample(uint32_t process, int pid, const V8ChunkLayout *chunk) {
  State &state = processes_[process];
  const uint64_t begin_ns = worked_ns();
  auto mappings = read_smaps(pid);
  std::optional<Resident> resident;
  if (mappings && !mappings->empty()) resident = read(state, pid, chunk, std::move(*mappings));
  const uint64_t now_ns = monotonic_ns();
  next_ns_ = now_ns + kShareOfTime * (worked_ns() - begin_ns);
  state.due_ns = std::max(next_ns_, now_ns + kIntervalNs);
  if (!resident) return std::nullopt;
  state.largest_bytes = std::max(state.largest_bytes, resident->sum());
  // V8 gives its heap back before the process ends; what a program needs is over then
  if (std::exchange(state.has_v8_heap, state.has_v8_heap || resident->v8_heap > 0) && resident->v8_heap == 0)
    return std::nullopt;
  return resident;
}

Resident ResidentSampler::read(State &state, int pid, const V8ChunkLayout *chunk,
                               std::vector<ResidentMapping> mappings) {
  update_stack_pointers(pid, state.stack_pointers);
  ResidentHints hints;
  for (const auto &[tid, pointer] : state.stack_pointers) hints.stack_pointers.insert(pointer);
  if (chunk == nullptr) return classify_resident(mappings, hints);
  const Pagemap pagemap(pid);
  hints.v8_chunks = find_v8_chunks(*chunk, v8_heap_candidates(mappings), present_reader(pid, pagemap));
  hints.present = [&](const AddressRange &range) { return pagemap.present_bytes(range); };
  return classify_resident(mappings, hints);
}

}  // namespace mp
