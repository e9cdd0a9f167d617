/*
 * A deterministic C++ program of a few hundred thousand allocations, whose numbers are compared with those of
 * heaptrack. Its one argument is the number of rounds (20).
 */
#include <algorithm>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>
#include "gate.h"

using Index = std::map<std::string, std::vector<int>>;

static std::string name_of(unsigned number) {
  return "a name that is longer than the small buffer " + std::to_string(number * 2654435761u);
}

SITE void fill_index(Index &index, unsigned round) {
  for (unsigned i = 0; i < 1000; i++) {
    auto &numbers = index[name_of(i * 7 + round)];
    for (unsigned k = 0; k <= i % 17; k++) numbers.push_back((int)k);
  }
}

SITE size_t count_words(const Index &index) {
  std::unordered_map<std::string, std::unique_ptr<size_t>> counts;
  for (const auto &[name, numbers] : index) {
    auto &count = counts[name.substr(0, 50)];
    if (!count) count = std::make_unique<size_t>(0);
    *count += numbers.size();
  }
  return counts.size();
}

SITE void shuffle_list(unsigned round) {
  std::list<std::string> names;
  for (unsigned i = 0; i < 500; i++) names.push_front(name_of(i ^ round));
  names.sort();
  names.unique();
  escape(&names.front());
}

int main(int argc, char **argv) {
  unsigned rounds = argc > 1 ? (unsigned)atoi(argv[1]) : 20;
  wait_for_gate();
  size_t sum = 0;
  Index index;
  for (unsigned round = 0; round < rounds; round++) {
    fill_index(index, round);
    sum += count_words(index);
    shuffle_list(round);
  }
  escape(&sum);
  say("ok\n");
  return 0;
}
