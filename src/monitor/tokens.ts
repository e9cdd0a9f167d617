/** The words of a line of the console: names, numbers, strings, operators. */
import { UserError } from '../util/errors.ts';

export interface Token {
  kind: 'name' | 'number' | 'string' | 'operator' | 'end';
  /** As it was written; of a string, what it stands for. */
  text: string;
  /** In the line, from 1. */
  column: number;
}

/** Longer than what anybody types; the parser's depth is bounded by it, too. */
export const MAX_LINE = 2000;

/** With a comment. */
const SPACE = /[ \t]*(?:#.*)?/y;
const WORDS: [Token['kind'], RegExp][] = [
  ['name', /[A-Za-z_][A-Za-z0-9_]*/y],
  ['number', /0[xX][0-9a-fA-F]+|\d+(?:\.\d+)?/y],
  ['string', /'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"/y],
  ['operator', /[.,:=()[\]&|^+~-]/y],
];
const ESCAPES: Record<string, string> = { n: '\n', t: '\t', r: '\r' };

/** @throws UserError with the column of what is none. */
export function tokensOf(line: string): Token[] {
  if (line.length > MAX_LINE) throw new UserError(`a line has at most ${MAX_LINE} characters`);
  const tokens: Token[] = [];
  let at = 0;
  for (;;) {
    at += lengthAt(SPACE, line, at);
    if (at >= line.length) break;
    const word = WORDS.find(([, pattern]) => lengthAt(pattern, line, at) > 0);
    if (word === undefined) throw new UserError(`${quoteMark(line, at)} at column ${at + 1}`);
    const text = line.slice(at, at + lengthAt(word[1], line, at));
    tokens.push({ kind: word[0], text: word[0] === 'string' ? unquoted(text) : text, column: at + 1 });
    at += text.length;
  }
  return [...tokens, { kind: 'end', text: '', column: line.length + 1 }];
}

/** Of what the pattern matches there; 0: it does not. */
function lengthAt(pattern: RegExp, line: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.exec(line)?.[0].length ?? 0;
}

function quoteMark(line: string, at: number): string {
  const character = String.fromCodePoint(line.codePointAt(at)!);
  return character === "'" || character === '"' ? 'a string without its end' : `an unexpected ${character}`;
}

function unquoted(text: string): string {
  return text.slice(1, -1).replace(/\\(.)/gs, (_, character: string) => ESCAPES[character] ?? character);
}
