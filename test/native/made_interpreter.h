// Memory of a CPython 3.8 to 3.13 that was never alive: what stands between _PyRuntime and the names of its threads, as
// python_objects.cc and python_threads.cc describe it. Nothing else is in it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "python_objects.h"

class MadeInterpreter {
 public:
  using Items = std::vector<std::pair<uint64_t, uint64_t>>;

  static constexpr uint64_t kBase = 0x7f0000001000;

  // With `spread` no two objects are on one page.
  explicit MadeInterpreter(int minor, bool spread = false) : minor_(minor), spread_(spread) {
    runtime_ = allocate(1024);
    if (minor == 13) {
      memcpy(&bytes[runtime_ - kBase], "xdebugpy", 8);
      put(runtime_ + 5 * 8, 632);
      put(runtime_ + 8 * 8, 7264);
      put(runtime_ + 11 * 8, 7656);
    }
    type_type_ = type(1 << 31, 0);
    str_type_ = type(1 << 28, 0);
    int_type_ = type(1 << 24, 0);
    dict_type_ = type(1 << 29, 0);
    module_type_ = type(0, 16);
    thread_type_ = type(1 << 9 | (minor >= 11 ? 1 << 4 : 0) | (minor >= 13 ? 1 << 2 : 0), minor >= 11 ? -24 : 16);
    class_keys_ = keys({{str("_target"), 0}, {str("_name"), 0}, {str("_daemonic"), 0}, {str("_native_id"), 0}}, true);
    put(thread_type_ + (minor <= 11 ? 872 : 880), class_keys_);
  }

  uint64_t runtime() const { return runtime_; }

  // A Thread whose attributes are in a table of its own (`combined`), or in values for the keys of the class.
  uint64_t thread(const std::string &name, uint32_t native_id, bool combined = false) {
    const uint64_t name_object = str(name), id_object = integer(native_id);
    uint64_t dict_object = 0, split = 0;
    if (combined) {
      dict_object = dict({{str("_native_id"), id_object}, {str("_name"), name_object}}, true);
    } else if (minor_ <= 12) {
      split = values(allocate(32), name_object, id_object);
      if (minor_ <= 10) dict_object = dict_of(class_keys_, split, 2);
    }
    const uint64_t words_before = allocate(32 + 16 + (minor_ == 13 ? 8 + 32 : 8)), thread = words_before + 32;
    put(thread, 1);
    put(thread + 8, thread_type_);
    if (minor_ <= 10) put(thread + 16, dict_object);
    if (minor_ == 11) put(words_before, split);
    if (minor_ >= 11) put(words_before + 8, dict_object);
    if (minor_ == 12 && split != 0) put(words_before + 8, split - 1);
    if (minor_ == 13 && !combined) {
      bytes[thread + 16 - kBase + 3] = 1;
      values(thread + 24, name_object, id_object);
    }
    return thread;
  }

  // An interpreter in front of those that are there. The first thread is the main one.
  void interpreter(const std::vector<uint64_t> &threads) {
    Items active;
    for (uint64_t thread : threads) active.emplace_back(integer(static_cast<uint32_t>(active.size() + 1)), thread);
    active_ = dict(active, false);
    const Items variables = {{str("_main_thread"), threads.at(0)}, {str("_active"), active_}};
    const uint64_t module = object(module_type_, 8);
    put(module + 16, dict(variables, true));
    modules({{str("sys"), object(module_type_, 8)}, {str("threading"), module}});
  }

  // An interpreter with these modules.
  void modules(const Items &items) {
    const uint64_t dict_object = dict(items, true);
    const uint64_t head = runtime_ + (minor_ <= 10 ? 32 : minor_ <= 12 ? 40 : 632);
    newest_ = allocate(8192);
    put(newest_ + (minor_ == 13 ? 7264 : 0), get(head));
    const uint64_t offsets[] = {56, 856, 856, 888, 944, 7656};
    put(newest_ + offsets[minor_ - 8], dict_object);
    put(head, newest_);
  }

  uint64_t str(const std::string &ascii) {
    const uint64_t header = minor_ <= 11 ? 48 : 40;
    const uint64_t address = object(str_type_, header - 16 + ascii.size() + 1);
    put(address + 16, ascii.size());
    put(address + 32, 1 << 6 | 1 << 5 | 1 << 2);
    memcpy(&bytes[address - kBase + header], ascii.data(), ascii.size());
    return address;
  }

  uint64_t integer(uint32_t value) {
    const uint64_t address = object(int_type_, 16);
    put(address + 16, minor_ <= 11 ? 1 : 1 << 3);
    put(address + 24, value);
    return address;
  }

  uint64_t dict(const Items &items, bool keys_are_str) { return dict_of(keys(items, keys_are_str), 0, items.size()); }

  uint64_t active() const { return active_; }  // of the newest interpreter
  uint64_t newest() const { return newest_; }

  // There are zeros up to the end of the last page, and nothing behind it.
  bool read(uint64_t address, void *to, size_t size_bytes) const {
    const uint64_t offset = address - kBase, pages_bytes = (bytes.size() + kPageBytes - 1) / kPageBytes * kPageBytes;
    if (offset > pages_bytes || size_bytes > pages_bytes - offset) return false;
    const uint64_t there = offset < bytes.size() ? std::min<uint64_t>(size_bytes, bytes.size() - offset) : 0;
    memset(to, 0, size_bytes);
    if (there > 0) memcpy(to, &bytes[offset], there);
    return true;
  }
  uint64_t get(uint64_t address) const {
    uint64_t word = 0;
    read(address, &word, sizeof(word));
    return word;
  }
  void put(uint64_t address, uint64_t word) { memcpy(&bytes[address - kBase], &word, sizeof(word)); }

  std::vector<uint8_t> bytes;

 private:
  static constexpr uint64_t kPageBytes = 4096;

  uint64_t allocate(uint64_t size_bytes) {
    if (spread_) bytes.resize((bytes.size() + kPageBytes - 1) / kPageBytes * kPageBytes);
    const uint64_t address = kBase + bytes.size();
    bytes.resize(bytes.size() + (size_bytes + 7) / 8 * 8);
    return address;
  }

  // `size_bytes` without PyObject.
  uint64_t object(uint64_t type, uint64_t size_bytes) {
    const uint64_t address = allocate(16 + size_bytes);
    put(address, 1);
    put(address + 8, type);
    return address;
  }

  uint64_t type(uint64_t flags, int64_t dict_offset) {
    const uint64_t address = object(type_type_, 880);
    put(address + 168, flags);
    put(address + 288, static_cast<uint64_t>(dict_offset));
    return address;
  }

  uint64_t keys(const Items &items, bool keys_are_str) {
    uint64_t log2_size = 3;
    while ((2ull << log2_size) / 3 < items.size()) log2_size++;
    const uint64_t size = 1ull << log2_size, log2_index_bytes = log2_size + (log2_size > 8 ? 1 : 0);
    const bool has_hash = minor_ <= 10 || !keys_are_str;
    const uint64_t header = minor_ <= 10 ? 40 : 32;
    const uint64_t address = allocate(header + (1ull << log2_index_bytes) + items.size() * 24);
    put(address + 8, minor_ <= 10 ? size : log2_size | log2_index_bytes << 8 | (keys_are_str ? 1u : 0u) << 16);
    put(address + header - 8, items.size());
    uint64_t entry = address + header + (1ull << log2_index_bytes);
    for (const auto &[key, value] : items) {
      if (has_hash) put(entry, 0x1234567812345678);
      entry += has_hash ? 8 : 0;
      put(entry, key);
      put(entry + 8, value);
      entry += 16;
    }
    return address;
  }

  uint64_t dict_of(uint64_t keys, uint64_t values, uint64_t used) {
    const uint64_t address = object(dict_type_, 32);
    put(address + 16, used);
    put(address + 24, ++version_);
    put(address + 32, keys);
    put(address + 40, values);
    return address;
  }

  // For the keys of the class: the attributes without a name here are not set.
  uint64_t values(uint64_t at, uint64_t name, uint64_t native_id) {
    put(at + 8, name);
    put(at + 24, native_id);
    return at;
  }

  int minor_;
  bool spread_;
  uint64_t version_ = 0, runtime_ = 0, newest_ = 0, active_ = 0, class_keys_ = 0;
  uint64_t type_type_ = 0, str_type_ = 0, int_type_ = 0, dict_type_ = 0, module_type_ = 0, thread_type_ = 0;
};
