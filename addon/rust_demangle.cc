// The two manglings of Rust: the old one (like C++'s, with a hash as last part) and v0 (RFC 2603).
//
//   v0      _RNvNtCs1234_5alloc3vec3new
//           N v       path in the value namespace: parent, then name   alloc::vec::new
//             N t     path in the type namespace                       alloc::vec
//               C     crate root, "s1234_" disambiguates it            alloc
//
// Printed as `rustc-demangle` does without hashes. Back references can make a short name expand without end, hence the
// limits on depth and length.
#include <cstdint>

#include "demangle.h"

namespace mp {
namespace {

constexpr int kMaxDepth = 200;
constexpr size_t kMaxTextBytes = 32768;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}
bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}
bool is_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f');
}

void append_utf8(std::string *text, uint32_t code) {
  if (code < 0x80) {
    *text += static_cast<char>(code);
  } else if (code < 0x800) {
    *text += static_cast<char>(0xc0 | code >> 6);
    *text += static_cast<char>(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    *text += static_cast<char>(0xe0 | code >> 12);
    *text += static_cast<char>(0x80 | (code >> 6 & 0x3f));
    *text += static_cast<char>(0x80 | (code & 0x3f));
  } else {
    *text += static_cast<char>(0xf0 | (code >> 18 & 7));
    *text += static_cast<char>(0x80 | (code >> 12 & 0x3f));
    *text += static_cast<char>(0x80 | (code >> 6 & 0x3f));
    *text += static_cast<char>(0x80 | (code & 0x3f));
  }
}

// "" for a letter that names no basic type.
std::string_view basic_type(char letter) {
  static constexpr std::string_view names[26] = {"i8",    "bool", "char", "f64", "str",  "f32",  "",    "u8", "isize",
                                                 "usize", "",     "i32",  "u32", "i128", "u128", "_",   "",   "",
                                                 "i16",   "u16",  "()",   "...", "",     "i64",  "u64", "!"};
  return is_lower(letter) ? names[letter - 'a'] : std::string_view();
}

class V0Printer {
 public:
  explicit V0Printer(std::string_view text) : in_(text) {}

  std::optional<std::string> run() {
    if (!is_upper(peek())) return std::nullopt;  // a digit: an encoding newer than this
    path(true, false);
    if (at_ < in_.size() && is_upper(peek())) {  // the crate that instantiated a generic function
      mute_++;
      path(false, false);
      mute_--;
    }
    if (failed_ || at_ != in_.size()) return std::nullopt;
    return out_;
  }

 private:
  struct Identifier {
    std::string text;
    uint64_t disambiguator;
  };
  // Counts the levels of recursion.
  struct Level {
    explicit Level(V0Printer *printer) : printer_(printer) {
      if (++printer_->depth_ > kMaxDepth) printer_->failed_ = true;
    }
    ~Level() { printer_->depth_--; }
    V0Printer *printer_;
  };

  char peek() const { return at_ < in_.size() ? in_[at_] : '\0'; }
  bool eat(char c) {
    if (peek() != c || failed_) return false;
    at_++;
    return true;
  }
  char next() {
    if (at_ >= in_.size()) failed_ = true;
    return failed_ ? '\0' : in_[at_++];
  }
  void print(std::string_view text) {
    if (failed_ || mute_ > 0) return;
    out_ += text;
    if (out_.size() > kMaxTextBytes) failed_ = true;
  }

  uint64_t base62() {
    if (eat('_')) return 0;
    uint64_t value = 0;
    while (!failed_ && !eat('_')) {
      char c = next();
      if (!is_digit(c) && !is_lower(c) && !is_upper(c)) failed_ = true;
      unsigned digit = is_digit(c) ? c - '0' : is_lower(c) ? c - 'a' + 10 : c - 'A' + 36;
      value = value * 62 + digit;
    }
    return value + 1;
  }
  uint64_t optional_base62(char tag) { return eat(tag) ? base62() + 1 : 0; }

  std::string plain_identifier() {
    bool punycode = eat('u');
    if (!is_digit(peek())) failed_ = true;
    uint64_t length = 0;
    if (!eat('0')) {
      while (is_digit(peek()) && length < in_.size()) length = length * 10 + static_cast<uint64_t>(next() - '0');
    }
    eat('_');
    if (failed_ || length > in_.size() - at_) {
      failed_ = true;
      return "";
    }
    std::string text(in_.substr(at_, length));
    at_ += length;
    return punycode ? "punycode{" + text + "}" : text;
  }
  Identifier identifier() {
    uint64_t disambiguator = optional_base62('s');
    return {plain_identifier(), disambiguator};
  }

  // Prints what stands at an earlier position once more.
  template <class Print>
  void back_reference(Print print_it) {
    size_t tag_at = at_ - 1;
    uint64_t target = base62();
    if (target >= tag_at) failed_ = true;
    if (failed_ || mute_ > 0) return;
    size_t after = at_;
    at_ = target;
    print_it();
    at_ = after;
  }

  void impl_path() {
    mute_++;
    optional_base62('s');
    path(false, false);
    mute_--;
  }

  void nested_path(bool value) {
    char space = next();
    path(value, false);
    Identifier name = identifier();
    if (is_upper(space)) {
      std::string kind = space == 'C' ? "closure" : space == 'S' ? "shim" : std::string(1, space);
      print("::{" + kind + (name.text.empty() ? "" : ":" + name.text) + "#" + std::to_string(name.disambiguator) + "}");
    } else if (!name.text.empty()) {
      print("::" + name.text);
    }
  }

  // `value`: generic arguments need "::" in front. `open`: the last ">" is left to the caller; true if it was.
  bool path(bool value, bool open) {
    Level level(this);
    if (failed_) return false;
    bool left_open = false;
    switch (next()) {
      case 'C':
        print(identifier().text);
        break;
      case 'N':
        nested_path(value);
        break;
      case 'M':
        impl_path();
        print("<");
        type();
        print(">");
        break;
      case 'X':
        impl_path();
        [[fallthrough]];
      case 'Y':
        print("<");
        type();
        print(" as ");
        path(false, false);
        print(">");
        break;
      case 'I':
        path(value, false);
        print(value ? "::<" : "<");
        list([this] { generic_argument(); });
        left_open = open;
        if (!open) print(">");
        break;
      case 'B':
        back_reference([&] { left_open = path(value, open); });
        break;
      default:
        failed_ = true;
    }
    return left_open;
  }

  // Up to "E".
  template <class Item>
  size_t list(Item item, std::string_view separator = ", ") {
    size_t count = 0;
    for (; !failed_ && !eat('E'); count++) {
      if (count > 0) print(separator);
      item();
    }
    return count;
  }

  void generic_argument() {
    if (eat('L')) {
      lifetime(base62());
    } else if (eat('K')) {
      constant();
    } else {
      type();
    }
  }

  void lifetime(uint64_t index) {
    if (index == 0) return print("'_");
    if (index > bound_lifetimes_) failed_ = true;
    uint64_t depth = bound_lifetimes_ - index;
    print(depth < 26 ? std::string("'") + static_cast<char>('a' + depth) : "'_" + std::to_string(depth));
  }

  template <class Body>
  void in_binder(Body body) {
    uint64_t count = optional_base62('G');
    if (count > 64) failed_ = true;
    if (count > 0 && !failed_) {
      print("for<");
      for (uint64_t i = 0; i < count; i++) {
        if (i > 0) print(", ");
        bound_lifetimes_++;
        lifetime(1);
      }
      print("> ");
    }
    body();
    if (!failed_) bound_lifetimes_ -= count;
  }

  void type() {
    Level level(this);
    char tag = next();
    if (failed_) return;
    if (std::string_view name = basic_type(tag); !name.empty()) return print(name);
    switch (tag) {
      case 'R':
      case 'Q':
        print("&");
        if (eat('L')) {
          if (uint64_t index = base62()) {
            lifetime(index);
            print(" ");
          }
        }
        print(tag == 'Q' ? "mut " : "");
        return type();
      case 'P':
      case 'O':
        print(tag == 'P' ? "*const " : "*mut ");
        return type();
      case 'A':
      case 'S':
        print("[");
        type();
        if (tag == 'A') {
          print("; ");
          constant();
        }
        return print("]");
      case 'T': {
        print("(");
        size_t count = list([this] { type(); });
        return print(count == 1 ? ",)" : ")");
      }
      case 'F':
        return in_binder([this] { function_type(); });
      case 'D':
        print("dyn ");
        in_binder([this] { list([this] { dyn_trait(); }, " + "); });
        if (!eat('L')) failed_ = true;
        if (uint64_t index = base62(); !failed_ && index > 0) {
          print(" + ");
          lifetime(index);
        }
        return;
      case 'B':
        return back_reference([this] { type(); });
      default:
        at_--;
        path(false, false);
    }
  }

  void function_type() {
    if (eat('U')) print("unsafe ");
    if (eat('K')) {
      std::string abi = eat('C') ? "C" : plain_identifier();
      for (char &c : abi) c = c == '_' ? '-' : c;
      print("extern \"" + abi + "\" ");
    }
    print("fn(");
    list([this] { type(); });
    print(")");
    if (eat('u')) return;
    print(" -> ");
    type();
  }

  void dyn_trait() {
    bool open = path(false, true);
    while (eat('p')) {
      print(open ? ", " : "<");
      open = true;
      print(plain_identifier() + " = ");
      type();
    }
    if (open) print(">");
  }

  std::string_view hex_digits() {
    size_t start = at_;
    while (is_hex(peek())) at_++;
    std::string_view digits = in_.substr(start, at_ - start);
    if (!eat('_')) failed_ = true;
    return digits;
  }

  void number_constant(char tag, std::string_view digits) {
    if (digits.size() > 16) return print("0x" + std::string(digits));
    uint64_t value = 0;
    for (char c : digits) value = value * 16 + static_cast<uint64_t>(is_digit(c) ? c - '0' : c - 'a' + 10);
    if (tag == 'b') return print(value == 0 ? "false" : "true");
    if (tag != 'c') return print(std::to_string(value));
    std::string text;
    append_utf8(&text, static_cast<uint32_t>(value));
    print("'" + text + "'");
  }

  void constant() {
    Level level(this);
    char tag = next();
    if (failed_) return;
    if (tag == 'p') return print("_");
    if (tag == 'B') return back_reference([this] { constant(); });
    std::string_view name = basic_type(tag);
    bool number = !name.empty() && std::string_view("hstmlyxjinobca").find(tag) != std::string_view::npos;
    if (!number) {
      failed_ = true;
      return;
    }
    if (eat('n')) print("-");
    number_constant(tag, hex_digits());
  }

  std::string_view in_;
  std::string out_;
  size_t at_ = 0;
  int depth_ = 0;
  int mute_ = 0;  // > 0: parse, don't print
  uint64_t bound_lifetimes_ = 0;
  bool failed_ = false;
};

// "$LT$" at the beginning of `text` is "<". 0 if there is no escape; else its length.
size_t unescape(std::string_view text, std::string *to) {
  static constexpr std::pair<std::string_view, char> escapes[] = {{"$SP$", '@'}, {"$BP$", '*'}, {"$RF$", '&'},
                                                                  {"$LT$", '<'}, {"$GT$", '>'}, {"$LP$", '('},
                                                                  {"$RP$", ')'}, {"$C$", ','}};
  for (const auto &[escape, character] : escapes) {
    if (text.substr(0, escape.size()) != escape) continue;
    *to += character;
    return escape.size();
  }
  if (text.substr(0, 2) != "$u") return 0;
  uint32_t code = 0;
  size_t at = 2;
  for (; at < text.size() && at < 8 && is_hex(text[at]); at++) {
    code = code * 16 + static_cast<uint32_t>(is_digit(text[at]) ? text[at] - '0' : text[at] - 'a' + 10);
  }
  if (at == 2 || at >= text.size() || text[at] != '$') return 0;
  append_utf8(to, code);
  return at + 1;
}

std::string legacy_part(std::string_view part) {
  std::string text;
  if (part.substr(0, 2) == "_$") part.remove_prefix(1);
  while (!part.empty()) {
    size_t length = part[0] == '$' ? unescape(part, &text) : 0;
    if (length == 0 && part.substr(0, 2) == "..") {
      text += "::";
      length = 2;
    }
    if (length == 0) {
      text += part[0];
      length = 1;
    }
    part.remove_prefix(length);
  }
  return text;
}

bool is_hash(std::string_view part) {
  if (part.size() != 17 || part[0] != 'h') return false;
  for (char c : part.substr(1)) {
    if (!is_hex(c)) return false;
  }
  return true;
}

}  // namespace

std::optional<std::string> demangle_rust_v0(std::string_view name) {
  if (name.substr(0, 2) != "_R") return std::nullopt;
  // Identifiers have neither: what begins with one is a suffix of LLVM or the linker.
  return V0Printer(name.substr(2, name.find_first_of(".$") - 2)).run();
}

std::optional<std::string> demangle_rust_legacy(std::string_view name) {
  if (name.substr(0, 3) != "_ZN" || name.size() < 24 || name.back() != 'E') return std::nullopt;
  std::string_view rest = name.substr(3, name.size() - 4);
  if (!is_hash(rest.substr(rest.size() - 17)) || rest.substr(rest.size() - 19, 2) != "17") return std::nullopt;
  rest.remove_suffix(19);
  std::string text;
  while (!rest.empty()) {
    size_t length = 0;
    size_t digits = 0;
    for (; digits < rest.size() && digits < 6 && is_digit(rest[digits]); digits++) {
      length = length * 10 + static_cast<size_t>(rest[digits] - '0');
    }
    if (digits == 0 || length == 0 || length > rest.size() - digits) return std::nullopt;
    if (!text.empty()) text += "::";
    text += legacy_part(rest.substr(digits, length));
    rest.remove_prefix(digits + length);
  }
  return text.empty() ? std::nullopt : std::make_optional(text);
}

}  // namespace mp
