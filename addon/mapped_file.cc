#include "mapped_file.h"

#include <sys/mman.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <mutex>

namespace mp {
namespace {

constexpr uintptr_t kPageBytes = 4096;
// More than a tracer ever has modules, and a few.
constexpr size_t kSlots = 1 << 15;

// What the handler reads: it can't take a lock.
struct Slot {
  std::atomic<uintptr_t> begin{0};  // 0: free
  std::atomic<uintptr_t> end{0};
};
Slot slots[kSlots];
std::atomic<size_t> used_slots{0};  // all used ones lie before it
std::mutex slots_mutex;
struct sigaction previous_action;

bool is_mapped_file(uintptr_t address) {
  const size_t used = used_slots.load();
  for (size_t i = 0; i < used; i++)
    if (address >= slots[i].begin.load() && address < slots[i].end.load()) return true;
  return false;
}

// The instruction is executed again: behind the handler there is a page, or the previous action.
void on_bus_error(int number, siginfo_t *info, void *) {
  const int saved_errno = errno;
  const auto address = reinterpret_cast<uintptr_t>(info->si_addr);
  void *page = reinterpret_cast<void *>(address & ~(kPageBytes - 1));
  const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
  const bool is_ours = info->si_code == BUS_ADRERR && is_mapped_file(address);
  if (!is_ours || mmap(page, kPageBytes, PROT_READ, flags, -1, 0) == MAP_FAILED)
    sigaction(number, &previous_action, nullptr);
  errno = saved_errno;
}

void install_handler() {
  static std::once_flag installed;
  std::call_once(installed, [] {
    struct sigaction action = {};
    action.sa_sigaction = on_bus_error;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigaction(SIGBUS, &action, &previous_action);
  });
}

// kSlots if all are used.
size_t take_slot(uintptr_t begin, uintptr_t end) {
  const std::lock_guard lock(slots_mutex);
  for (size_t i = 0; i < kSlots; i++) {
    if (slots[i].begin.load()) continue;
    slots[i].end = end;
    slots[i].begin = begin;
    if (i >= used_slots.load()) used_slots = i + 1;
    return i;
  }
  return kSlots;
}

}  // namespace

std::unique_ptr<MappedFile> MappedFile::map(int fd, size_t size_bytes) {
  install_handler();
  void *data = mmap(nullptr, size_bytes, PROT_READ, MAP_PRIVATE, fd, 0);
  if (data == MAP_FAILED) return nullptr;
  const auto begin = reinterpret_cast<uintptr_t>(data);
  const size_t slot = take_slot(begin, begin + size_bytes);
  if (slot == kSlots) {
    munmap(data, size_bytes);
    errno = ENOMEM;
    return nullptr;
  }
  return std::unique_ptr<MappedFile>(new MappedFile(static_cast<const uint8_t *>(data), size_bytes, slot));
}

MappedFile::~MappedFile() {
  const std::lock_guard lock(slots_mutex);
  slots[slot_].end = 0;
  slots[slot_].begin = 0;
  munmap(const_cast<uint8_t *>(data_), size_bytes_);
}

}  // namespace mp
