// Places in JavaScript, by the collections between which they mean something.
#include "v8_places.h"

#include <vector>

#include "check.h"

using namespace mp;

namespace {

void add(V8Places &places, uint32_t begun, uint32_t ended, const std::vector<mp_v8_place> &sent) {
  places.begin(begun, ended);
  places.add({{}, begun, ended, static_cast<uint32_t>(sent.size()), 0}, sent.data());
}

// 0: not known
uint64_t shared_of(V8Places &places, uint32_t begun, uint32_t ended, uint64_t place) {
  const V8Places::ByPlace *known = places.of(begun, ended);
  const auto found = known ? known->find(place) : V8Places::ByPlace::const_iterator();
  return known && found != known->end() ? found->second.shared : 0;
}

}  // namespace

TEST(places_are_known_between_two_collections) {
  V8Places places;
  add(places, 0, 0, {{10, 1}, {11, 2}});
  add(places, 0, 0, {{12, 3}});
  CHECK_EQ(shared_of(places, 0, 0, 10), 1u);
  CHECK_EQ(shared_of(places, 0, 0, 12), 3u);
  CHECK_EQ(shared_of(places, 0, 0, 13), 0u);
  CHECK_EQ(shared_of(places, 1, 0, 10), 0u);
  add(places, 1, 1, {{10, 4}});
  CHECK_EQ(shared_of(places, 1, 1, 10), 4u);
  CHECK_EQ(shared_of(places, 1, 1, 11), 0u);
}

TEST(collections_begin_once) {
  V8Places places;
  CHECK(places.begin(0, 0));
  CHECK(!places.begin(0, 0));
  CHECK(places.begin(1, 0));
  CHECK(!places.begin(0, 0));
  CHECK(places.begin(1, 1));
  CHECK(!places.begin(1, 0));
  CHECK(places.begin(9, 8));
  // both may wrap around
  V8Places old;
  CHECK(old.begin(0xffffffff, 0xffffffff));
  CHECK(old.begin(0, 0xffffffff));
  CHECK(old.begin(0, 0));
  CHECK(!old.begin(0, 0xffffffff));
}

// Of a thread that sends a moment later, what others do not know any more.
TEST(late_events_are_of_their_own_collections) {
  V8Places places;
  add(places, 2, 2, {{10, 1}});
  add(places, 3, 3, {{10, 2}});
  add(places, 2, 2, {{11, 3}});
  CHECK_EQ(shared_of(places, 2, 2, 10), 1u);
  CHECK_EQ(shared_of(places, 2, 2, 11), 3u);
  CHECK_EQ(shared_of(places, 3, 3, 10), 2u);
  CHECK_EQ(shared_of(places, 3, 3, 11), 0u);
}

TEST(collections_of_long_ago_are_forgotten) {
  V8Places places;
  for (uint32_t i = 0; i < 10; i++) add(places, i, i, {{10, i + 1}});
  add(places, 0, 0, {{11, 1}});
  CHECK(places.of(0, 0) == nullptr);
  CHECK_EQ(shared_of(places, 9, 9, 10), 10u);
  size_t kept = 0;
  for (uint32_t i = 0; i < 10; i++) kept += places.of(i, i) != nullptr;
  CHECK_EQ(kept, V8Places::kMaxGenerations);
}

TEST(places_that_come_again_keep_what_was_found) {
  V8Places places;
  add(places, 0, 0, {{10, 1}});
  places.of(0, 0)->at(10).location = 7;
  add(places, 0, 0, {{10, 1}});
  CHECK_EQ(places.of(0, 0)->at(10).location, 7u);
}

TEST(places_do_not_add_up_for_ever) {
  V8Places places;
  std::vector<mp_v8_place> sent(512);
  for (uint64_t i = 0; i < 2 * V8Places::kMaxPlaces; i += sent.size()) {
    for (uint64_t j = 0; j < sent.size(); j++) sent[j] = {i + j, 1};
    add(places, 0, 0, sent);
  }
  CHECK_EQ(places.of(0, 0)->size(), V8Places::kMaxPlaces);
  CHECK_EQ(shared_of(places, 0, 0, 0), 1u);
}
