/**
 * Function names that fit a column. C++ and Rust names are mostly arguments; they go first, then the outer scopes:
 *
 *     std::map<int, std::string>::emplace<int, char const*>(int&&, char const*&&)     as demangled
 *     std::map<…>::emplace<…>(int&&, char const*&&)                                   template arguments collapsed
 *     std::map<…>::emplace<…>(…)                                                      parameters collapsed
 *     …::emplace<…>(…)                                                                scopes dropped
 *     …::emplace                                                                      and the marks of what was collapsed
 *
 * What looks like a bracket but is part of a name stays: `operator<<`, `operator->`, `<T as Trait>::f`, `<lambda(int)>`,
 * `(anonymous namespace)`.
 */
import { cutEnd, shortenPath } from '../util/format.ts';

const OPERATOR = /^operator(?:<=>|<<=|>>=|->\*|->|<<|>>|<=|>=|<|>|\(\))/;
const IDENTIFIER = /[\w$~]/;

/** The longest form of `name` that fits `width` columns. */
export function shortenName(name: string, width: number): string {
  if (name.length <= width) return name;
  const short = collapse(name, '<', '>', isTemplateList);
  if (short.length <= width) return short;
  const shorter = collapse(short, '(', ')', isParameterList);
  if (shorter.length <= width) return shorter;
  const inner = dropScopes(shorter, width);
  return inner.length <= width ? inner : cutEnd(inner.replaceAll('<…>', '').replaceAll('(…)', ''), width);
}

/** `function at file`: the file gives way first, down to its name, then the function. */
export function shortenLocation(text: string, width: number): string {
  if (text.length <= width) return text;
  const at = text.lastIndexOf(' at ');
  if (at < 0) return shortenName(text, width);
  const [name, file] = [text.slice(0, at), text.slice(at + 4)];
  const base = `${file.startsWith('node:') ? 'node:' : ''}…${file.slice(Math.max(0, file.lastIndexOf('/')))}`.length;
  const fileWidth = Math.max(width - name.length - 4, Math.min(base, Math.floor(width / 2)));
  const shortFile = shortenPath(file, fileWidth);
  return `${shortenName(name, width - shortFile.length - 4)} at ${shortFile}`;
}

type IsList = (name: string, open: number, content: string) => boolean;

/** Replaces the content of bracket pairs that are argument lists; a name with unbalanced brackets is left alone. */
function collapse(name: string, open: string, close: string, isList: IsList): string {
  let result = '';
  let i = 0;
  while (i < name.length) {
    const operator = OPERATOR.exec(name.slice(i, i + 12));
    if (operator && !IDENTIFIER.test(name[i - 1] ?? '')) {
      result += operator[0];
      i += operator[0].length;
      continue;
    }
    if (name[i] === open) {
      const end = matching(name, i, open, close);
      if (end < 0) return name;
      const content = name.slice(i + 1, end);
      if (isList(name, i, content)) result += `${open}${content === '' ? '' : '…'}${close}`;
      else result += open + collapse(content, open, close, isList) + close;
      i = end + 1;
      continue;
    }
    result += name[i++];
  }
  return result;
}

function matching(name: string, start: number, open: string, close: string): number {
  let depth = 0;
  for (let i = start; i < name.length; i++) {
    const operator = OPERATOR.exec(name.slice(i, i + 12));
    if (operator) i += operator[0].length - 1;
    else if (name[i] === open) depth++;
    else if (name[i] === close && name[i - 1] !== '-' && --depth === 0) return i;
  }
  return -1;
}

function isTemplateList(name: string, open: number, content: string): boolean {
  if (content.startsWith('lambda') || content.startsWith('unnamed')) return false;
  return (
    open > 0 && (IDENTIFIER.test(name[open - 1]!) || name.slice(0, open).endsWith('::') || isAfterOperator(name, open))
  );
}

function isParameterList(_name: string, open: number, content: string): boolean {
  return open > 0 && content !== 'anonymous namespace' && content !== 'anonymous';
}

function isAfterOperator(name: string, open: number): boolean {
  return /operator\S{1,3} ?$/.test(name.slice(0, open));
}

function dropScopes(name: string, width: number): string {
  let depth = 0;
  let best = name;
  for (let i = 0; i < name.length - 2; i++) {
    if ('<({['.includes(name[i]!)) depth++;
    else if ('>)}]'.includes(name[i]!)) depth--;
    if (depth > 0 || !name.startsWith('::', i)) continue;
    best = `…${name.slice(i)}`;
    if (best.length <= width) return best;
  }
  return best;
}
