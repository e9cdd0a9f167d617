// Strings of a V8 made by hand: all kinds, and ones that never end.
#include "v8_strings.h"

#include "check.h"
#include "made_v8.h"

using namespace mp;

namespace {

constexpr size_t kMaxUnits = 1000;

struct Counted {
  uint64_t reads = 0, bytes = 0;
};

V8Memory memory_of(const MadeV8 &made, Counted *counted = nullptr) {
  return V8Memory(made.layout, [&made, counted](uint64_t address, void *to, size_t size) {
    if (counted != nullptr) {
      counted->reads++;
      counted->bytes += size;
    }
    return made.read(address, to, size);
  });
}

// "none" if it can't be read.
std::string text_of(const MadeV8 &made, uint64_t string, size_t max_units = kMaxUnits) {
  V8Memory memory = memory_of(made);
  const auto text = read_v8_text(memory, string, max_units);
  return text ? to_utf8(*text) : "none";
}

std::string utf8(const std::u16string &units) {
  return to_utf8({false, "", units});
}

}  // namespace

TEST(sequential) {
  MadeV8 made(0);
  CHECK_EQ(text_of(made, made.one_byte("name")), "name");
  CHECK_EQ(text_of(made, made.one_byte("name", MadeV8::kOneByte | MadeV8::kNotInternalized)), "name");
  CHECK_EQ(text_of(made, made.one_byte("gr\xf6\xdf"
                                       "e")),
           "größe");
  CHECK_EQ(text_of(made, made.one_byte("")), "");
  CHECK_EQ(text_of(made, made.two_byte(u"名前 größe")), "名前 größe");
  CHECK_EQ(text_of(made, made.one_byte("0123456789"), 4), "0123");
  CHECK_EQ(text_of(made, made.two_byte(u"名前"), 1), "名");
}

TEST(parts) {
  MadeV8 made(1);
  const uint64_t left = made.one_byte("left"), right = made.two_byte(u"右");
  const uint64_t sum = made.cons(left, right, 5, 0);
  CHECK_EQ(text_of(made, sum), "left右");
  CHECK_EQ(text_of(made, made.cons(sum, sum, 10, 0)), "left右left右");
  CHECK_EQ(text_of(made, made.cons(right, left, 5, 0)), "右left");
  for (size_t units = 0; units <= 5; units++)
    CHECK_EQ(text_of(made, sum, units).substr(0, 4), std::string("left").substr(0, units));
  CHECK_EQ(text_of(made, made.cons(left, made.one_byte(""), 4)), "left");
  CHECK_EQ(text_of(made, made.sliced(left, 1, 2)), "ef");
  CHECK_EQ(text_of(made, made.sliced(made.cons(left, made.one_byte("over"), 8), 2, 4)), "ftov");
  CHECK_EQ(text_of(made, made.sliced(made.cons(left, made.one_byte("over"), 8), 5, 3)), "ver");
  CHECK_EQ(text_of(made, made.thin(left, 4)), "left");
  CHECK_EQ(text_of(made, made.sliced(made.thin(left, 4), 3, 1)), "t");
}

TEST(external) {
  MadeV8 made(2);
  const uint64_t one = made.chars_of(made.one_byte("node:fs")), two = made.chars_of(made.two_byte(u"ŵ"));
  CHECK_EQ(text_of(made, made.external(one, 7, MadeV8::kOneByte)), "node:fs");
  CHECK_EQ(text_of(made, made.external(two, 1, 0)), "ŵ");
  CHECK_EQ(text_of(made, made.sliced(made.external(one, 7, MadeV8::kOneByte), 5, 2)), "fs");
  // kUncachedExternalStringTag: the address of the characters is not in the object
  CHECK_EQ(text_of(made, made.external(one, 7, MadeV8::kOneByte | 16)), "none");
  CHECK_EQ(text_of(made, made.external(1, 7, MadeV8::kOneByte)), "none");
}

TEST(surrogates) {
  CHECK_EQ(utf8(u"\xd835\xdcb3yz"), "𝒳yz");
  CHECK_EQ(utf8(u"a\xd835"), "a\xef\xbf\xbd");
  CHECK_EQ(utf8(u"\xdcb3\xd835z"), "\xef\xbf\xbd\xef\xbf\xbdz");
  CHECK_EQ(utf8(u"\x7f\x80\x7ff\x800\xffff"), "\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf");
}

TEST(no_strings) {
  MadeV8 made(3);
  CHECK_EQ(text_of(made, made.undefined), "none");
  CHECK_EQ(text_of(made, MadeV8::smi(5)), "none");
  CHECK_EQ(text_of(made, 0), "none");
  CHECK_EQ(text_of(made, 1), "none");
  CHECK_EQ(text_of(made, made.one_byte("x") - 1), "none");
  CHECK_EQ(text_of(made, made.one_byte("x") + 2), "none");
  CHECK_EQ(text_of(made, made.one_byte("x", 4 | MadeV8::kOneByte)), "none");
  CHECK_EQ(text_of(made, made.cons(made.one_byte("x"), made.undefined, 2)), "none");
}

// The collector leaves the address of the new object, without a tag, in place of the map.
TEST(a_string_that_is_being_moved) {
  MadeV8 made(3);
  const uint64_t old = made.one_byte("name"), moved = made.one_byte("name");
  CHECK_EQ(text_of(made, old), "name");
  made.put(old, 0, moved - 1);
  CHECK_EQ(text_of(made, old), "none");
}

TEST(lengths_that_do_not_fit) {
  MadeV8 made(0);
  const uint64_t small = made.one_byte("small");
  CHECK_EQ(text_of(made, made.sliced(small, 3, 4)), "none");
  CHECK_EQ(text_of(made, made.sliced(small, -1, 2)), "none");
  CHECK_EQ(text_of(made, made.sliced(small, INT32_MAX, 2)), "none");
  CHECK_EQ(text_of(made, made.cons(small, small, 11)), "none");
  CHECK_EQ(text_of(made, made.cons(small, small, 9)), "smallsmal");
  CHECK_EQ(text_of(made, made.cons(small, small, 3)), "sma");
  CHECK_EQ(text_of(made, made.thin(small, 6)), "none");
  const uint64_t huge = made.one_byte("x");
  made.put_number<uint32_t>(huge, made.layout.string_length, UINT32_MAX);
  CHECK_EQ(text_of(made, huge, 1), "x");
  CHECK_EQ(text_of(made, huge, SIZE_MAX), "none");
  CHECK(text_of(made, made.cons(huge, huge, UINT32_MAX)) != "none");
}

TEST(circles_end) {
  MadeV8 made(1);
  const uint64_t cons = made.cons(0, 0, 1 << 30), sliced = made.sliced(0, 0, 5), thin = made.thin(0, 5);
  made.put(cons, made.layout.cons_first, cons);
  made.put(cons, made.layout.cons_second, cons);
  made.put(sliced, made.layout.sliced_parent, sliced);
  made.put(thin, made.layout.thin_actual, thin);
  const uint64_t both = made.cons(sliced, thin, 10);
  for (uint64_t string : {cons, sliced, thin, both}) {
    Counted counted;
    V8Memory memory = memory_of(made, &counted);
    CHECK(!read_v8_text(memory, string, SIZE_MAX));
    CHECK(counted.reads < 10);
  }
}

// As long as a program likes to put it together: one character after the other.
TEST(long_sums) {
  MadeV8 made(2);
  const uint64_t unit = made.one_byte("u");
  uint64_t sum = unit;
  uint32_t length = 1;
  for (; length < kMaxV8Parts / 2; length++) sum = made.cons(sum, unit, length + 1);
  CHECK_EQ(text_of(made, sum, SIZE_MAX), std::string(length, 'u'));
  for (; length < kMaxV8Parts; length++) sum = made.cons(sum, unit, length + 1);
  CHECK_EQ(text_of(made, sum, SIZE_MAX), "none");
  uint64_t other = unit;
  for (uint32_t i = 1; i < 1000; i++) other = made.cons(unit, other, i + 1);
  CHECK_EQ(text_of(made, other, SIZE_MAX), std::string(1000, 'u'));
}

TEST(limits_begin_anew) {
  MadeV8 made(2);
  const uint64_t string = made.one_byte("again");
  Counted counted;
  V8Memory memory = memory_of(made, &counted);
  std::string bytes(256, 0);
  while (memory.read_bytes(MadeV8::kBase, bytes.data(), bytes.size())) {
  }
  CHECK(counted.bytes <= V8Memory::kMaxCopiedBytes);
  CHECK(!read_v8_text(memory, string, kMaxUnits));
  memory.forget();
  CHECK(read_v8_text(memory, string, kMaxUnits).has_value());
}
