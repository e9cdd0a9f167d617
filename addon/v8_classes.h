// The classes of a script, and which of its functions are their members.
//
// V8 knows the name of a method, but not of which class it is: that is found in the source text, which is read up to
// its brackets, strings, comments and regular expressions only. Whether a slash divides or begins a regular expression
// depends on the grammar, and is guessed from the token in front of it. A wrong guess hides some text: functions in it
// are then members of nothing, hardly ever of another class, since the innermost bracket around them has to be one of a
// class.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "v8_strings.h"

namespace mp {

class V8Classes {
 public:
  V8Classes() = default;
  explicit V8Classes(const V8Text &source);

  // The name of the class, in UTF-8, in whose body stands directly the list of parameters that begins at `position`
  // (V8Function::start_position); "": none, or the class has no name.
  std::string_view class_of(uint32_t position) const;
  // Positions that are remembered.
  size_t size() const { return members_.size(); }

 private:
  std::vector<std::string> names_;
  std::unordered_map<uint32_t, uint32_t> members_;  // from the position of a "(" to the index of the class
};

}  // namespace mp
