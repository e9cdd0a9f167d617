#include "heap_references.h"

#include <algorithm>
#include <array>

#include "heap_code.h"
#include "heap_dict.h"

namespace mp {
namespace {

constexpr uint64_t kWord = 8;
constexpr uint64_t kMaxItems = 1ull << 40;
constexpr uint64_t kMaxFields = 1 << 12;

using Label = ReferenceLabel;

class References {
 public:
  References(const HeapLayout &layout, HeapMemory &memory, uint64_t object, const HeapType &type,
             const VisitReference &visit)
      : layout_(layout), memory_(memory), object_(object), type_(type), visit_(visit) {}

  bool all() {
    const bool whole = of_kind();
    if (type_.kind == ObjectKind::kType) return whole;
    of_slots();
    const bool has_attributes = type_.kind == ObjectKind::kFields || of_attributes();
    if (type_.is(kHeapType)) visit(type_.address, {Label::kClass, 0});
    return whole && has_attributes;
  }

 private:
  bool of_kind() {
    switch (type_.kind) {
      case ObjectKind::kFields:
        return words(object_ + kObjectBytes, object_ + std::min(type_.basic_size, kMaxFields * kWord));
      case ObjectKind::kList:
        return of_list();
      case ObjectKind::kTuple:
        return items(object_ + 24, at(kObjectSize));
      case ObjectKind::kDict:
      case ObjectKind::kOrderedDict:
        return of_dict();
      case ObjectKind::kSet:
        return of_set();
      case ObjectKind::kDeque:
        return of_deque();
      case ObjectKind::kType:
        return of_type();
      case ObjectKind::kCode:
        return words(object_ + kObjectBytes,
                     object_ + (layout_.code_instructions != 0 ? layout_.code_instructions : type_.basic_size));
      case ObjectKind::kFrame:
        return of_frame();
      case ObjectKind::kGenerator:
        return of_generator();
      case ObjectKind::kBuffered:
        return fields({16});  // raw
      case ObjectKind::kWeakref:
        return fields({24});  // wr_callback
      default:
        return true;
    }
  }

  uint64_t at(uint64_t offset) { return memory_.read<uint64_t>(object_ + offset).value_or(~0ull); }

  void visit(uint64_t target, Label label) {
    if (target != 0) visit_(target, label);
  }

  bool fields(std::initializer_list<uint64_t> offsets) {
    for (const uint64_t offset : offsets) {
      const auto target = memory_.read<uint64_t>(object_ + offset);
      if (!target) return false;
      visit(*target, {Label::kField, offset});
    }
    return true;
  }

  // Words that may be references, but the head of the list of weak references to it, which is not one of its own.
  bool words(uint64_t begin, uint64_t end) {
    for (uint64_t address = begin; address + kWord <= end; address += kWord) {
      const auto target = memory_.read<uint64_t>(address);
      if (!target) return false;
      const uint64_t offset = address - object_;
      if (type_.weak_list_offset > 0 && offset == static_cast<uint64_t>(type_.weak_list_offset)) continue;
      const bool is_dict = type_.dict_offset > 0 && offset == static_cast<uint64_t>(type_.dict_offset);
      visit(*target, is_dict ? Label{Label::kDict, 0} : Label{Label::kField, offset});
    }
    return true;
  }

  // An array of pointers.
  bool items(uint64_t begin, uint64_t count, uint64_t first = 0) {
    if (count > kMaxItems) return false;
    constexpr uint64_t kAtOnce = 1024;
    uint64_t buffer[kAtOnce];
    for (uint64_t done = 0; done < count; done += kAtOnce) {
      const uint64_t part = std::min(kAtOnce, count - done);
      if (!memory_.read_bytes(begin + done * kWord, buffer, part * kWord)) return false;
      for (uint64_t i = 0; i < part; i++) visit(buffer[i], {Label::kIndex, first + done + i});
    }
    return true;
  }

  // PyListObject: ob_item, allocated
  bool of_list() {
    const auto words = memory_.read<std::array<uint64_t, 5>>(object_);
    return words && (*words)[2] <= (*words)[4] && items((*words)[3], (*words)[2]);
  }

  bool of_dict() {
    return visit_dict(layout_, memory_, object_, [&](uint64_t key, uint64_t value) {
      visit(key, {Label::kKey, 0});
      visit(value, {Label::kValue, key});
    });
  }

  // PySetObject: mask, table; setentry: key, hash
  bool of_set() {
    const uint64_t mask = at(32), table = at(40);
    if (mask > kMaxItems) return false;
    for (uint64_t i = 0; i <= mask; i++) {
      const auto key = memory_.read<uint64_t>(table + i * 2 * kWord);
      if (!key) return false;
      visit(*key, {Label::kIndex, i});
    }
    return true;
  }

  // dequeobject: leftblock, leftindex; a block is leftlink, 64 items, rightlink
  bool of_deque() {
    constexpr uint64_t kBlockItems = 64;
    const uint64_t count = at(kObjectSize);
    uint64_t block = at(24), index = at(40);
    if (count > kMaxItems || index >= kBlockItems) return false;
    for (uint64_t done = 0; done < count; index = 0) {
      const uint64_t part = std::min(kBlockItems - index, count - done);
      const auto next = memory_.read<uint64_t>(block + kWord + kBlockItems * kWord);
      if (!next || !items(block + kWord + index * kWord, part, done)) return false;
      done += part;
      block = *next;
    }
    return true;
  }

  bool of_type() {
    bool whole = fields({kTypeBase, kTypeBases, kTypeMro, kTypeCache});
    const auto dict = memory_.read<uint64_t>(object_ + kTypeDict), flags = memory_.read<uint64_t>(object_ + kTypeFlags);
    if (!dict || !flags) return false;
    visit(*dict, {Label::kDict, 0});
    if ((*flags & kHeapType) != 0)  // ht_name, ht_slots, ht_qualname
      whole &=
          fields({layout_.heap_type_name, layout_.heap_type_name + kWord, layout_.qualified_name, kTypeSubclasses});
    const auto meta = memory_.read<uint64_t>(object_ + kObjectType);
    if (meta) visit(*meta, {Label::kClass, 0});
    return whole;
  }

  // f_back, f_code, f_builtins, f_globals, f_locals; f_trace
  bool of_frame() {
    const auto code = frame_code(layout_, memory_, object_, ObjectKind::kFrame);
    if (!code) return false;
    if (layout_.minor <= 10) {
      const uint64_t trace = layout_.minor == 10 ? 72 : 80;
      return fields({24, 32, 40, 48, 56, trace}) && items(object_ + layout_.frame_locals, code->locals);
    }
    return fields({16, 32}) && of_interpreter_frame(*code);
  }

  // _PyInterpreterFrame: its function, globals, builtins, locals, code, and what it works on
  bool of_interpreter_frame(const FrameCode &code) {
    return words(code.frame, code.frame + 40) && items(code.frame + layout_.frame_locals, code.locals);
  }

  bool of_generator() {
    if (layout_.generator_frame == 0) return words(object_ + kObjectBytes, object_ + type_.basic_size);
    // gi_frame_state: FRAME_CLEARED; the frame of one that has ended is nothing
    const auto state = memory_.read<int8_t>(object_ + layout_.generator_frame - 5);
    const auto code = frame_code(layout_, memory_, object_, ObjectKind::kGenerator);
    if (!words(object_ + kObjectBytes, object_ + layout_.generator_frame - kWord)) return false;
    return !state || *state >= 4 || !code || of_interpreter_frame(*code);
  }

  void of_slots() {
    for (size_t i = 0; i < type_.slots.size(); i++) {
      const auto target = memory_.read<uint64_t>(object_ + type_.slots[i].offset);
      if (target) visit(*target, {Label::kSlot, i});
    }
  }

  // Where the attributes are: see python_objects.cc.
  bool of_attributes() {
    if (layout_.minor >= 11 && type_.is(kManagedDict)) return of_managed_attributes();
    if (type_.dict_offset == 0) return true;
    uint64_t offset = static_cast<uint64_t>(type_.dict_offset);
    if (type_.dict_offset < 0) {  // from the end of an object of variable size
      const auto count = static_cast<int64_t>(at(kObjectSize));
      const uint64_t items = static_cast<uint64_t>(count < 0 ? -count : count);
      if (items > kMaxItems) return false;
      offset += (type_.basic_size + items * type_.item_size + kWord - 1) / kWord * kWord;
    }
    const auto dict = memory_.read<uint64_t>(object_ + offset);
    if (dict) visit(*dict, {Label::kDict, 0});
    return dict.has_value();
  }

  bool of_managed_attributes() {
    const auto dict = memory_.read<uint64_t>(object_ - 3 * kWord);
    if (!dict) return false;
    if (layout_.minor == 11) {
      const auto values = memory_.read<uint64_t>(object_ - 4 * kWord);
      if (!values) return false;
      if (*values != 0) return of_values(*values);
    } else if (layout_.minor == 12) {
      if ((*dict & 1) != 0) return of_values(*dict + 1);
    } else if (*dict == 0 && type_.is(kInlineValues)) {
      const auto header = memory_.read<std::array<uint8_t, 4>>(object_ + kObjectBytes);
      if (!header) return false;
      return (*header)[3] == 0 || of_values(object_ + kObjectBytes + dict_values_offset(layout_.minor));
    }
    visit(*dict, {Label::kDict, 0});
    return true;
  }

  bool of_values(uint64_t values) {
    return visit_table(layout_, memory_, type_.cached_keys, values, [&](uint64_t key, uint64_t value) {
      visit(value, {Label::kAttribute, key});
    });
  }

  const HeapLayout &layout_;
  HeapMemory &memory_;
  uint64_t object_;
  const HeapType &type_;
  const VisitReference &visit_;
};

}  // namespace

bool visit_references(const HeapLayout &layout, HeapMemory &memory, uint64_t object, const HeapType &type,
                      const VisitReference &visit) {
  return References(layout, memory, object, type, visit).all();
}

}  // namespace mp
