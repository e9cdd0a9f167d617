#include "v8_classes.h"

#include <algorithm>
#include <array>
#include <utility>

namespace mp {
namespace {

constexpr size_t kMaxDepth = 1 << 12;  // brackets in brackets
constexpr size_t kMaxClasses = 1 << 17, kMaxMembers = 1 << 20;
constexpr size_t kMaxClassNameUnits = 256;

// Words behind which an expression begins.
constexpr std::array<std::string_view, 16> kBeforeExpression = {
    "return", "typeof", "case", "in",   "of",    "instanceof", "new",     "delete",
    "void",   "throw",  "do",   "else", "yield", "await",      "extends", "default"};
// Words with a condition in brackets behind them, and then a statement.
constexpr std::array<std::string_view, 4> kBeforeCondition = {"if", "while", "for", "with"};

template <size_t N>
bool is_one_of(std::string_view word, const std::array<std::string_view, N> &words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool is_space(char16_t unit) {
  return unit == ' ' || (unit >= '\t' && unit <= '\r') || unit == 0xa0 || unit == 0xfeff || unit == 0x2028 ||
         unit == 0x2029;
}

bool is_newline(char16_t unit) {
  return unit == '\n' || unit == '\r' || unit == 0x2028 || unit == 0x2029;
}

bool is_digit(char16_t unit) {
  return unit >= '0' && unit <= '9';
}

bool is_word(char16_t unit) {
  return (unit >= 'a' && unit <= 'z') || (unit >= 'A' && unit <= 'Z') || is_digit(unit) || unit == '_' || unit == '$' ||
         unit == '\\' || unit == '#' || (unit >= 0x80 && !is_space(unit));
}

enum class Bracket : uint8_t { kRound, kCondition, kSquare, kBlock, kObject, kTemplate, kClass };

bool is_curly(Bracket bracket) {
  return bracket >= Bracket::kBlock;
}

struct Open {
  Bracket bracket;
  uint32_t class_index;  // of kClass
};

// A class whose body has not begun.
struct Pending {
  size_t depth;
  std::string name;
};

constexpr char16_t kWord = 'a', kLiteral = '0';

struct Token {
  char16_t unit = ';';  // of a punctuator; kWord, kLiteral
  uint32_t begin = 0, end = 0;
};

class Scanner {
 public:
  Scanner(const V8Text &text, std::vector<std::string> &names, std::unordered_map<uint32_t, uint32_t> &members)
      : text_(text), size_(static_cast<uint32_t>(text.size())), names_(names), members_(members) {}

  void scan() {
    while (at_ < size_ && open_.size() < kMaxDepth && pending_.size() < kMaxDepth && names_.size() < kMaxClasses &&
           members_.size() < kMaxMembers) {
      const char16_t unit = text_[at_];
      if (is_space(unit))
        at_++;
      else if (unit == '/')
        slash();
      else if (unit == '"' || unit == '\'')
        string(unit);
      else if (unit == '`')
        template_text(at_);
      else if (is_digit(unit))
        number();
      else if (unit == '#' && unit_at(at_ + 1) == '!')
        skip_line();
      else if (is_word(unit))
        word();
      else
        punctuator(unit);
    }
  }

 private:
  char16_t unit_at(uint32_t at) const { return at < size_ ? text_[at] : 0; }
  void skip_line() {
    while (at_ < size_ && !is_newline(text_[at_])) at_++;
  }
  void skip_comment() {
    at_ += 2;
    while (at_ < size_ && (text_[at_] != '*' || unit_at(at_ + 1) != '/')) at_++;
    at_ = std::min(at_ + 2, size_);
  }
  // The escaped unit is skipped, and a line end of two.
  void skip_escape() { at_ += unit_at(at_ + 1) == '\r' && unit_at(at_ + 2) == '\n' ? 3 : 2; }

  void end_token(char16_t unit, uint32_t begin, bool is_operand) {
    at_ = std::min(at_, size_);
    before_last_ = last_;
    last_ = {unit, begin, at_};
    is_operand_ = is_operand;
  }

  // A comment, a regular expression, or a division.
  void slash() {
    const char16_t next = unit_at(at_ + 1);
    if (next == '/') return skip_line();
    if (next == '*') return skip_comment();
    const uint32_t begin = at_++;
    if (is_operand_) return end_token('/', begin, false);
    bool in_set = false;
    for (; at_ < size_ && !is_newline(text_[at_]); at_++) {
      const char16_t unit = text_[at_];
      if (unit == '\\') at_++;
      if (unit == '[' || unit == ']') in_set = unit == '[';
      if (unit != '/' || in_set) continue;
      at_++;
      while (is_word(unit_at(at_))) at_++;
      return end_token(kLiteral, begin, true);
    }
    at_ = begin + 1;
    end_token('/', begin, false);
  }

  void string(char16_t quote) {
    const uint32_t begin = at_++;
    while (at_ < size_ && text_[at_] != quote && text_[at_] != '\n' && text_[at_] != '\r')
      text_[at_] == '\\' ? skip_escape() : static_cast<void>(at_++);
    at_++;
    end_token(kLiteral, begin, true);
  }

  // From a ` on, or from the } in it, to the next ` or ${.
  void template_text(uint32_t begin) {
    at_++;
    while (at_ < size_ && text_[at_] != '`') {
      if (text_[at_] == '$' && unit_at(at_ + 1) == '{') {
        at_ += 2;
        open_.push_back({Bracket::kTemplate, 0});
        return end_token('{', begin, false);
      }
      text_[at_] == '\\' ? skip_escape() : static_cast<void>(at_++);
    }
    at_++;
    end_token(kLiteral, begin, true);
  }

  void number() {
    const uint32_t begin = at_;
    while (is_word(unit_at(at_)) || unit_at(at_) == '.') at_++;
    end_token(kLiteral, begin, true);
  }

  std::string text(uint32_t begin, uint32_t end) const {
    V8Text part;
    part.is_one_byte = false;
    for (uint32_t i = begin; i < std::min<uint32_t>(end, begin + kMaxClassNameUnits); i++) part.two_byte += text_[i];
    return to_utf8(part);
  }
  bool is_last_word(const std::string_view *begin, size_t count) const {
    if (last_.unit != kWord || last_is_property_) return false;
    const std::string word = text(last_.begin, last_.end);
    return std::find(begin, begin + count, word) != begin + count;
  }

  void word() {
    const uint32_t begin = at_++;
    while (is_word(unit_at(at_))) at_++;
    const bool is_property = last_.unit == '.';
    const std::string word = at_ - begin <= 16 ? text(begin, at_) : "";
    if (word == "class" && !is_property) begin_class();
    last_is_property_ = is_property;
    end_token(kWord, begin, is_property || !is_one_of(word, kBeforeExpression));
  }

  // `at_` is behind "class", which may also be the name of a property.
  void begin_class() {
    const uint32_t behind = at_;
    while (is_space(unit_at(at_)) || (unit_at(at_) == '/' && (unit_at(at_ + 1) == '*' || unit_at(at_ + 1) == '/')))
      is_space(unit_at(at_)) ? static_cast<void>(at_++) : unit_at(at_ + 1) == '*' ? skip_comment() : skip_line();
    const uint32_t begin = at_;
    while (is_word(unit_at(at_))) at_++;
    const uint32_t end = std::exchange(at_, behind);
    std::string name = text(begin, end);
    if (begin == end && unit_at(begin) != '{') return;
    if (name == "extends" || begin == end) {
      const bool is_named = (last_.unit == '=' || last_.unit == ':') && before_last_.unit == kWord;
      name = is_named ? text(before_last_.begin, before_last_.end) : "";
    }
    pending_.push_back({open_.size(), std::move(name)});
  }

  void punctuator(char16_t unit) {
    const uint32_t begin = at_++;
    bool is_operand = false;
    if (unit == '(' || unit == '[' || unit == '{') {
      open(unit, begin);
    } else if (unit == ')' || unit == ']') {
      is_operand = close(unit);
    } else if (unit == '}') {
      if (!open_.empty() && open_.back().bracket == Bracket::kTemplate) {
        open_.pop_back();
        at_ = begin;
        return template_text(begin);
      }
      is_operand = close(unit);
    } else if ((unit == '+' || unit == '-') && last_.unit == unit && last_.end == begin) {
      is_operand = was_operand_;  // i++ / 2
    }
    was_operand_ = is_operand_;
    end_token(unit, begin, is_operand);
  }

  void open(char16_t unit, uint32_t begin) {
    if (unit == '(') {
      if (!open_.empty() && open_.back().bracket == Bracket::kClass) members_.emplace(begin, open_.back().class_index);
      const bool is_condition = is_last_word(kBeforeCondition.data(), kBeforeCondition.size());
      open_.push_back({is_condition ? Bracket::kCondition : Bracket::kRound, 0});
    } else if (unit == '[') {
      open_.push_back({Bracket::kSquare, 0});
    } else if (!pending_.empty() && pending_.back().depth == open_.size() && is_operand_) {
      names_.push_back(std::move(pending_.back().name));
      pending_.pop_back();
      open_.push_back({Bracket::kClass, static_cast<uint32_t>(names_.size() - 1)});
    } else {
      open_.push_back({begins_object() ? Bracket::kObject : Bracket::kBlock, 0});
    }
  }

  bool begins_object() const {
    constexpr std::array<std::string_view, 2> kBeforeBlock = {"do", "else"};
    if (last_.unit == kWord) return !is_operand_ && !is_last_word(kBeforeBlock.data(), kBeforeBlock.size());
    if (last_.unit == '>' && before_last_.unit == '=' && before_last_.end == last_.begin) return false;
    if (last_.unit == ':') return !open_.empty() && open_.back().bracket == Bracket::kObject;
    return !is_operand_ && last_.unit != ';' && last_.unit != '{' && last_.unit != '}' && last_.unit != ')';
  }

  // Whether what the bracket closes can be divided.
  bool close(char16_t unit) {
    const auto matches = [unit](const Open &open) {
      if (unit == ']') return open.bracket == Bracket::kSquare;
      return unit == '}' ? is_curly(open.bracket) : open.bracket <= Bracket::kCondition;
    };
    const auto found = std::find_if(open_.rbegin(), open_.rend(), matches);
    // of the others, only a curly one ends what was left open
    if (found == open_.rend() || (unit != '}' && found != open_.rbegin())) return true;
    const Bracket bracket = found->bracket;
    open_.resize(static_cast<size_t>(open_.rend() - found) - 1);
    while (!pending_.empty() && pending_.back().depth > open_.size()) pending_.pop_back();
    return bracket != Bracket::kCondition && bracket != Bracket::kBlock;
  }

  const V8Text &text_;
  const uint32_t size_;
  std::vector<std::string> &names_;
  std::unordered_map<uint32_t, uint32_t> &members_;

  uint32_t at_ = 0;
  std::vector<Open> open_;
  std::vector<Pending> pending_;
  Token last_, before_last_;
  bool last_is_property_ = false;
  // A value ends here; ended in front of the last punctuator.
  bool is_operand_ = false, was_operand_ = false;
};

}  // namespace

V8Classes::V8Classes(const V8Text &source) {
  Scanner(source, names_, members_).scan();
}

std::string_view V8Classes::class_of(uint32_t position) const {
  const auto member = members_.find(position);
  return member == members_.end() ? std::string_view() : std::string_view(names_[member->second]);
}

}  // namespace mp
