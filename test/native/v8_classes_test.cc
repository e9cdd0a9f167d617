// Which functions of source texts are members of which class.
#include "v8_classes.h"

#include "check.h"

using namespace mp;

namespace {

// Each "(" with a digit behind it: "1=Class 2= ...".
std::string members(const std::string &source) {
  const V8Text text{true, source, u""};
  const V8Classes classes(text);
  std::string all;
  for (size_t at = 0; at + 1 < source.size(); at++) {
    if (source[at] != '(' || source[at + 1] < '0' || source[at + 1] > '9') continue;
    all += (all.empty() ? "" : " ") + std::string(1, source[at + 1]) + "=";
    all += classes.class_of(static_cast<uint32_t>(at));
  }
  return all;
}

}  // namespace

TEST(kinds_of_members) {
  CHECK_EQ(members("class A { constructor(1) {} m(2) {} static s(3) {} get g(4) {} set #p(5) {} async *i(6) {} "
                   "['a' + 'b'](7) {} field = (8) => 1; static = async (9) => 1; }"),
           "1=A 2=A 3=A 4=A 5=A 6=A 7=A 8=A 9=A");
}

TEST(names_of_classes) {
  CHECK_EQ(members("const A = class { m(1) {} }; x.B = class extends A { m(2) {} }; y = { C: class { m(3) {} } }"),
           "1=A 2=B 3=C");
  CHECK_EQ(members("const A = class B { m(1) {} }; f(class { m(2) {} }); export default class { m(3) {} }"),
           "1=B 2= 3=");
  CHECK_EQ(members("class A{m(1){}}class B{m(2){}}"), "1=A 2=B");
  CHECK_EQ(members("class /* { */ A // {\n { m(1) {} }"), "1=A");
  CHECK_EQ(members("a ||= class { m(1) {} }"), "1=");
}

TEST(heritage) {
  CHECK_EQ(members("class A extends B { m(1) {} } class C extends f({ x: 1 }) { m(2) {} }"), "1=A 2=C");
  CHECK_EQ(members("class A extends class B { m(1) {} } { m(2) {} }"), "1=B 2=A");
  CHECK_EQ(members("class A extends (class { m(1) {} }) { m(2) {} }"), "1= 2=A");
  CHECK_EQ(members("class A extends B[{ c: 0 }.c] { m(1) {} } class D extends `x${{}}`.e { m(2) {} }"), "1=A 2=D");
  CHECK_EQ(members("class A extends null { m(1) {} }"), "1=A");
}

TEST(what_is_no_member) {
  CHECK_EQ(members("class A { m() { f(1); const o = { n(2) {} }; (3) => 1 } o = { n(4) {} }; a = [(5) => 1]; "
                   "b = f((6) => 1); static { g(7) } }"),
           "1= 2= 3= 4= 5= 6= 7=");
  CHECK_EQ(members("class A { m() {} } f(1); ({ n(2) {} })"), "1= 2=");
  CHECK_EQ(members("class A { m() { class B { n(1) {} } } o(2) {} }"), "1=B 2=A");
}

TEST(class_as_a_name) {
  CHECK_EQ(members("const o = { class: 1, class() { }, m(1) {} }; o.class; o?.class; f(o, { class(2) {} })"), "1= 2=");
  CHECK_EQ(members("class A { class(1) {} static class = 1; m(2) {} get class() {} n(3) {} }"), "1=A 2=A 3=A");
  CHECK_EQ(members("export { A as class }; class B { m(1) {} } $class.x(2); classy { m(3) }"), "1=B 2= 3=");
}

TEST(text_that_is_no_code) {
  CHECK_EQ(members("class A { a = '}'; b = \"\\\"}\"; c = `}${`}${'}'}`}`; d = /[/}]\\/}/g; /* } */ // }\n m(1) {} }"),
           "1=A");
  CHECK_EQ(members("class A { a = 'x\\\n}'; b = 'x\\\r\n}'; m(1) {} } f(2)"), "1=A 2=");
  CHECK_EQ(members("#! class X {\nclass A { m(1) {} }"), "1=A");
}

TEST(slashes) {
  CHECK_EQ(members("class A { x = a / 2; y = b++ / 2; z = (c) / d[0] / 1; m(1) { return /}/ } n(2) {} }"), "1=A 2=A");
  CHECK_EQ(members("class A { m() { if (a) /}/.test(b); while (c) /}/.exec(d) } n(1) {} }"), "1=A");
  CHECK_EQ(members("class A { m() { {} /}/.test(a); } n(1) {} }"), "1=A");
  CHECK_EQ(members("class A { m() { x = { a: 1 } / 2; y = { b() {} }.b / 3 } n(1) {} }"), "1=A");
  CHECK_EQ(members("class A { m() { a.return / 2; b = c.in / '/}/'; typeof /}/; } n(1) {} }"), "1=A");
  CHECK_EQ(members("class A { m() { a => {} \n /}/.test(b) } n(1) {} }"), "1=A");
  CHECK_EQ(members("class A { m() { 1.5 / 2; 1. / 2; 0xff / 2; a[0]-- / 2; - -/}/ } n(1) {} }"), "1=A");
}

TEST(other_letters) {
  const std::u16string source = u"class Größe extends 名 { m(1) {} } class 𝒳 { n(2) {} }";
  const V8Classes classes(V8Text{false, "", source});
  CHECK_EQ(classes.class_of(static_cast<uint32_t>(source.find(u"(1"))), "Größe");
  CHECK_EQ(classes.class_of(static_cast<uint32_t>(source.find(u"(2"))), "𝒳");
}

TEST(damaged_text) {
  for (const char *text : {"class",
                           "class ",
                           "class A",
                           "class A {",
                           "class A { m(1",
                           "class A { '",
                           "class A { `${",
                           "/",
                           "/[",
                           "/\\",
                           "'\\",
                           "`\\",
                           "}}}",
                           ")]}",
                           "class A { ) ] m(1) }",
                           "class A { ( [ } m(1)",
                           "\\",
                           "#",
                           "#!",
                           "class /*",
                           "class //"})
    members(text);
  CHECK_EQ(members("class A { m() { ( [ } } class B { m(1) {} }"), "1=B");
  std::string deep;
  for (int i = 0; i < 100000; i++) deep += "class A { a = [";
  members(deep);
  std::string repeated;
  for (int i = 0; i < 1000000; i++) repeated += i % 2 ? "class A {}" : "class ";
  members(repeated);
  std::string many = "class A {";
  for (int i = 0; i < 2000000; i++) many += "m(){}";
  CHECK(V8Classes(V8Text{true, many, u""}).size() <= 1 << 20);
}
