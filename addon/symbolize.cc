#include "symbolize.h"

#include <fcntl.h>
#include <pthread.h>

#include <algorithm>
#include <exception>

#include "demangle.h"

namespace mp {

ModuleFiles::ModuleFiles(const SymbolModule &module) : roots(module.root) {
  file.reset(::open(module.open_path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file) file = roots.open(0, module.path);
}

std::unique_ptr<ModuleSymbols> ModuleSymbols::open(const SymbolModule &module) {
  return open(module, ModuleFiles(module));
}

std::unique_ptr<ModuleSymbols> ModuleSymbols::open(const SymbolModule &module, const ModuleFiles &files) {
  std::unique_ptr<ModuleSymbols> symbols(new ModuleSymbols());
  symbols->elf_ = open_elf(files.file.get(), module.path);
  DebugFileQuery query{module.path, module.build_id, std::nullopt};
  if (symbols->elf_) {
    std::string build_id = symbols->elf_->file->build_id();
    // The path may show a newer file than the one that is mapped: its names would be wrong ones.
    if (!module.build_id.empty() && module.build_id != build_id) symbols->elf_.reset();
    if (query.build_id.empty()) query.build_id = build_id;
  }
  if (symbols->elf_) query.debuglink = symbols->elf_->file->debuglink();
  symbols->load(&files.roots, std::move(query));
  return symbols;
}

std::unique_ptr<ModuleSymbols> ModuleSymbols::from_memory(const uint8_t *data, size_t size_bytes) {
  std::unique_ptr<ModuleSymbols> symbols(new ModuleSymbols());
  OpenElf elf;
  elf.image = ElfImage::read_memory(data, size_bytes);
  std::string error;
  if (elf.image != nullptr) elf.file = ElfFile::from_memory(elf.image->data(), elf.image->size_bytes(), &error);
  if (elf.file != nullptr) symbols->elf_ = std::move(elf);
  symbols->load(nullptr, {});
  return symbols;
}

void ModuleSymbols::load(const SearchRoots *roots, DebugFileQuery query) {
  bool has_dwarf = elf_ && !elf_->image->section(".debug_info").empty();
  if (!has_dwarf && roots != nullptr) debug_ = find_debug_file(*roots, query);
  const std::optional<OpenElf> &source = has_dwarf ? elf_ : debug_;
  if (source) {
    const auto &link = source->image->alt_link();
    auto alternate = link && roots != nullptr ? find_alternate_file(*roots, *link, source->path) : nullptr;
    dwarf_ = DwarfFile::open(source->image, alternate);
  }
  std::vector<ElfSymbol> symbols;
  for (const auto *elf : {&elf_, &debug_}) {
    if (!*elf) continue;
    std::vector<ElfSymbol> more = (*elf)->file->symbols(true);
    symbols.insert(symbols.end(), more.begin(), more.end());
  }
  const std::optional<OpenElf> &sections = elf_ ? elf_ : debug_;
  if (!sections) return;
  symbols_.emplace(std::move(symbols), [&](uint64_t address) { return sections->image->code_end(address); });
}

std::vector<SymbolFrame> ModuleSymbols::resolve(uint64_t address) {
  std::vector<SymbolFrame> frames;
  if (dwarf_ != nullptr) frames = dwarf_->resolve(address);
  if (frames.empty()) frames.emplace_back();
  std::string_view name = symbols_ ? symbols_->find(address) : std::string_view();
  // DWARF lacks what the symbol has: parameters of static C++ functions, the mark of a split-off part.
  if (!name.empty()) frames.back().function = demangle(name);
  return frames;
}

Symbolizer::Symbolizer() : thread_([this] { run(); }) {
  pthread_setname_np(thread_.native_handle(), "mp-symbolize");
}

Symbolizer::~Symbolizer() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Symbolizer::add_module(SymbolModule module) {
  auto added = std::make_shared<Module>();
  added->files.emplace(module);
  added->description = std::move(module);
  std::lock_guard lock(mutex_);
  modules_[added->description.index] = std::move(added);
}

void Symbolizer::request(const SymbolRequest &request) {
  {
    std::lock_guard lock(mutex_);
    auto module = modules_.find(request.module);
    jobs_.push_back({request, module == modules_.end() ? nullptr : module->second});
    pending_++;
  }
  wake_.notify_one();
}

std::vector<SymbolResult> Symbolizer::take(size_t max) {
  std::lock_guard lock(mutex_);
  auto end = results_.begin() + static_cast<ptrdiff_t>(std::min(max, results_.size()));
  std::vector<SymbolResult> taken(std::make_move_iterator(results_.begin()), std::make_move_iterator(end));
  results_.erase(results_.begin(), end);
  pending_ -= taken.size();
  return taken;
}

size_t Symbolizer::pending() const {
  std::lock_guard lock(mutex_);
  return pending_;
}

// A module that cannot be resolved must not end the tracer.
std::vector<SymbolFrame> Symbolizer::resolve(const Job &job) {
  try {
    Module *module = job.module.get();
    if (module == nullptr) return {SymbolFrame{}};
    if (module->files) {
      std::optional<ModuleFiles> files = std::move(module->files);
      module->files.reset();
      module->symbols = ModuleSymbols::open(module->description, *files);
    }
    if (module->symbols != nullptr) return module->symbols->resolve(job.request.address);
  } catch (const std::exception &) {
    // Out of memory is all that can be thrown; the empty frame says that the name is not known.
  }
  return {SymbolFrame{}};
}

void Symbolizer::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stop_ || !jobs_.empty(); });
    if (stop_) return;
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    SymbolResult result{job.request.location, resolve(job)};
    lock.lock();
    results_.push_back(std::move(result));
  }
}

}  // namespace mp
