import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shortenName } from '../../../src/report/names.ts';

/** [name, width, expected] */
const CASES: [string, number, string][] = [
  ['main', 3, 'ma…'],
  [
    'std::vector<int, std::allocator<int> >::push_back(int&&)',
    60,
    'std::vector<int, std::allocator<int> >::push_back(int&&)',
  ],
  ['std::vector<int, std::allocator<int> >::push_back(int&&)', 34, 'std::vector<…>::push_back(int&&)'],
  ['std::vector<int, std::allocator<int> >::push_back(int&&)', 30, 'std::vector<…>::push_back(…)'],
  ['std::vector<int, std::allocator<int> >::push_back(int&&)', 20, '…::push_back(…)'],
  ['std::vector<int, std::allocator<int> >::push_back(int&&)', 12, '…::push_back'],
  ['operator new(unsigned long)', 20, 'operator new(…)'],
  ['std::operator<< <std::char_traits<char> >(std::ostream&, char const*)', 40, 'std::operator<< <…>(…)'],
  ['foo::operator->(int, int, int)', 18, 'foo::operator->(…)'],
  ['a::operator()(std::string const&) const', 26, 'a::operator()(…) const'],
  ['(anonymous namespace)::parse(std::string)', 34, '(anonymous namespace)::parse(…)'],
  ['<alloc::vec::Vec<T, A> as core::ops::Drop>::drop', 46, '<alloc::vec::Vec<…> as core::ops::Drop>::drop'],
  ['core::ptr::drop_in_place::<alloc::string::String>', 34, 'core::ptr::drop_in_place::<…>'],
  ['bool a < b is no template (broken', 20, 'bool a < b is no te…'],
  ['f(std::function<void ()>)', 12, 'f(…)'],
];

test('long names lose arguments first, then outer scopes', () => {
  for (const [name, width, expected] of CASES) {
    const short = shortenName(name, width);
    assert.ok([...short].length <= width, `${short} is longer than ${width}`);
    assert.equal(short, expected);
  }
});

test('a result is never longer than asked for', () => {
  const pieces = ['std::', 'a<b>', '<', '>', '(', ')', 'operator<', '::', 'operator()', ' const', 'x', '->', ', '];
  let seed = 1;
  const random = () => {
    seed = (seed * 48271) % 2147483647;
    return seed / 2147483647;
  };
  for (let i = 0; i < 3000; i++) {
    const name = Array.from({ length: 12 }, () => pieces[Math.floor(random() * pieces.length)]).join('');
    const width = 3 + Math.floor(random() * 30);
    assert.ok([...shortenName(name, width)].length <= width, `${name} at ${width}`);
  }
});
