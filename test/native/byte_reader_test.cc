#include "byte_reader.h"

#include "check.h"

using mp::ByteReader;
using Bytes = std::vector<uint8_t>;

namespace {

uint64_t uleb(const Bytes &bytes) {
  return ByteReader(bytes.data(), bytes.size()).uleb();
}
int64_t sleb(const Bytes &bytes) {
  return ByteReader(bytes.data(), bytes.size()).sleb();
}

}  // namespace

TEST(reads_leb128) {
  CHECK_EQ(uleb({0x02}), 2u);
  CHECK_EQ(uleb({0xe5, 0x8e, 0x26}), 624485u);
  CHECK_EQ(uleb({0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}), UINT64_MAX);
  CHECK_EQ(uleb({0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00}), 1u);  // padded
  CHECK_EQ(sleb({0x7f}), -1);
  CHECK_EQ(sleb({0x3f}), 63);
  CHECK_EQ(sleb({0x80, 0x7f}), -128);
  CHECK_EQ(sleb({0xc0, 0xbb, 0x78}), -123456);
  CHECK_EQ(sleb({0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f}), INT64_MIN);
}

TEST(does_not_read_past_its_end) {
  Bytes bytes = {1, 2, 3};
  ByteReader reader(bytes.data(), bytes.size());
  CHECK_EQ(reader.read<uint16_t>(), 0x0201);
  CHECK_EQ(reader.read<uint16_t>(), 0);
  CHECK(!reader.ok());
  CHECK_EQ(reader.read<uint8_t>(), 0);
  CHECK_EQ(reader.remaining(), 0u);

  Bytes open_end = {0x80, 0x80};
  ByteReader leb(open_end.data(), open_end.size());
  CHECK_EQ(leb.sleb(), 0);
  CHECK(!leb.ok());
  CHECK(ByteReader(nullptr, 0).c_string().empty());
}

TEST(takes_parts) {
  Bytes bytes = {'a', 'b', 0, 'c', 'd'};
  ByteReader reader(bytes.data(), bytes.size());
  CHECK_EQ(reader.c_string(), "ab");
  CHECK_EQ(reader.position(), 3u);
  ByteReader part = reader.take(1);
  CHECK_EQ(part.read<char>(), 'c');
  CHECK(part.at_end() && part.ok());
  CHECK_EQ(reader.take(UINT64_MAX).remaining(), 0u);
  CHECK(!reader.ok());
  ByteReader unterminated(bytes.data() + 3, 2);
  CHECK_EQ(unterminated.c_string(), "");
  CHECK(!unterminated.ok());
}
