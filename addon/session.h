// A capture while it runs: launches or attaches to targets, drains the ring into batches, follows what targets do.
//
// One thread owns a session and calls poll() about every millisecond; only symbolizing runs beside it. The states are
// open (constructed) -> recording (launch, attach) -> stopped (probes are off; poll() drains what is left).
#pragma once

#include <cstdint>
#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "batch.h"
#include "decode.h"
#include "guard.h"
#include "launch.h"
#include "loader.h"
#include "modules.h"
#include "resident_sampler.h"
#include "selection.h"
#include "stacks.h"
#include "symbolize.h"
#include "targets.h"
#include "thread_rows.h"

struct ring_buffer;

namespace mp {

class Session : private EventHandler {
 public:
  explicit Session(const LoaderOptions &options);
  ~Session() override;

  // Forks the target, which waits for start(). Returns its pid. Throws Error.
  uint32_t launch(const LaunchOptions &options);
  void start();
  // Throws Error NO_PROCESS, ATTACH.
  void attach(uint32_t pid);

  // Returns when a process has been held, or after that time.
  void wait(int timeout_ms) const;
  // Moves events into `words` (capacity records of MP_RECORD_WORDS words) until either is exhausted. The batch is valid
  // until the next call. Throws Error if the launched program could not be started or a probe not be attached.
  const Batch &poll(uint32_t *words, uint32_t capacity);
  // Takes all probes off and lets go what is held. Events before that moment are still to be polled, later ones are
  // ignored: no free is seen of a block whose allocation was not.
  void stop();

  bool has_targets() const { return selection_ || !targets_.processes().empty(); }
  // Every selected process that was running at the beginning has its probes.
  bool is_settled() const { return is_settled_; }
  size_t process_count() const { return targets_.processes().size(); }
  // Wait status of the launched program, -1 while it runs.
  int launched_status() const { return launched_status_; }
  size_t pending_symbols() const { return symbolizer_.pending(); }
  std::map<std::string, uint64_t> losses() const;
  ProbeMode probe_mode() const { return loader_.probe_mode(); }
  uint64_t now_ns() const;  // since the capture began
  // Module of a location, -1: none.
  int64_t module_of_location(uint32_t location) const { return stacks_.module_of_location(location); }

 private:
  struct Thread {
    uint32_t process = 0;
    int64_t index = -1;  // -1: not used yet under this name
    std::string comm;    // the kernel's name for it
    std::string name;    // comm, or what its interpreter calls it
    bool shares_row = false;
    std::vector<std::pair<uint32_t, std::string>> rows = {};  // index and comm, under all its names
  };

  void on_free(const mp_event_free &event) override;
  void on_allocate(const mp_event_allocate &event) override;
  void on_remap(const mp_event_remap &event) override;
  void on_stack(const mp_event_stack &event, const uint64_t *frames) override;
  void on_python_code(const mp_event_python_code &event, const uint8_t *line_table) override;
  void on_v8_places(const mp_event_v8_places &event, const mp_v8_place *places) override;
  void on_task(const mp_event_task &event) override;

  static int handle_event(void *context, void *data, size_t size_bytes);
  void on_thread(const mp_event_task &event);
  void on_thread_exit(const mp_event_task &event);
  void on_fork(const mp_event_task &event);
  void on_exec(Process &process, const mp_event_task &event);
  void on_mappings(Process &process);
  void attach_selected();
  void attach_selected(uint32_t pid);
  void scan();
  // With its probes, not announced yet; nullptr: it has no memory to trace.
  Process *add_running(uint32_t pid);
  void on_selected(const mp_event_task &event);
  bool synchronize(Process &process);
  uint64_t interval_ns(uint64_t of_few_ns) const;
  void on_exit(Process &process, const mp_event_task &event);
  void end_process(const Process &process, uint64_t time_ns, int exit_code, int exit_signal);
  void announce(Process &process, const std::string &comm, uint64_t time_ns, uint32_t flags = 0);
  void guard();
  void let_go(const mp_event &event, size_t size_bytes);
  void fill_batch();
  void sample_rss();
  void add_resident(const Process &process);
  void sample_resident();
  void sample_last_resident();
  void poll_launched();
  void resynchronize_after_losses();
  void name_python_threads();
  void forget_vanished();
  void forget_recent();

  // The process of an event, announced; nullptr if it is not traced.
  Process *process_of(const mp_event &event);
  void begin_collections(Process &process, uint32_t begun, uint32_t ended, uint64_t time_ns);
  // The locations of the JavaScript frames of a stack, by index.
  KnownStack stack_of(Process &process, uint64_t hash, const mp_event &event);
  std::vector<uint32_t> javascript_locations(Process &process, const mp_event_stack &event, const uint64_t *frames);
  void name_places(Process &process, const mp_event_stack &event, const std::map<uint64_t, V8Place *> &places);
  bool is_repeated_free(const mp_event_free &event);
  uint32_t thread_of(const mp_event &event, const Process &process);
  void name_node_thread(const mp_event &event, const Process &process, const char *name);
  bool is_stopped() const { return stop_ns_ != ~0ull; }
  uint64_t since_start(uint64_t time_ns) const { return time_ns > start_ns_ ? time_ns - start_ns_ : 0; }

  const Selection selection_;
  const bool follow_fork_;
  uint64_t start_ns_;
  uint64_t stop_ns_ = ~0ull;
  Loader loader_;
  Symbolizer symbolizer_;
  Modules modules_;
  Targets targets_;
  Stacks stacks_;
  std::unique_ptr<ring_buffer, void (*)(ring_buffer *)> ring_;
  UniqueFd wakes_;  // an epoll of the ring: BPF wakes us when it holds somebody
  std::optional<Guard> guard_;
  std::unique_ptr<LaunchedProcess> launched_;
  int launched_status_ = -1;

  Batch batch_;                           // being filled
  Batch delivered_;                       // the result of the last poll
  std::vector<uint64_t> deferred_event_;  // did not fit into the last batch
  size_t deferred_bytes_ = 0;
  std::vector<uint32_t> selected_;   // pids that are still to be attached to
  std::set<uint32_t> unselectable_;  // those that can't be
  bool is_settled_ = false;
  uint32_t scans_ = 0;
  uint64_t next_scan_ns_ = 0;
  uint64_t next_rss_ns_ = 0;
  ResidentSampler resident_;
  bool has_sampled_last_ = false;
  uint64_t next_resynchronization_ns_ = 0;
  uint64_t seen_drops_ = 0;
  uint64_t next_thread_names_ns_ = 0;
  std::map<uint32_t, int> missing_;  // pid -> samples for which it was gone without an EXIT event
  uint64_t invalid_events_ = 0;
  uint64_t lost_children_ = 0;  // there were too many processes
  uint64_t unheld_ = 0;         // ran before their probes were in place
  std::map<std::string, uint64_t>
      stopped_losses_;  // as they were then: what probes do while they are taken off is moot
  std::exception_ptr failure_;

  // Who made the last event, most often also the next; forgotten whenever processes or threads change.
  Process *recent_process_ = nullptr;
  uint32_t recent_tid_ = 0;
  int64_t recent_thread_ = -1;
  uint32_t recent_named_tid_ = 0;  // by what its stack says; 0: none

  uint32_t process_count_ = 0;
  std::map<uint32_t, std::pair<const char *, int64_t>> origins_;  // process index -> origin, parent
  std::unordered_map<uint32_t, Thread> threads_;                  // by tid
  ThreadRows thread_rows_;
  std::unordered_map<uint32_t, std::string> python_names_;  // by tid: what its interpreter calls a thread
  std::unordered_map<uint32_t, uint64_t>
      python_frees_;  // by tid: address of the last pymalloc_free, until the next free
};

}  // namespace mp
