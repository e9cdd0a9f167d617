/**
 * Leaks that are known and allowed, in the syntax of LeakSanitizer's suppressions:
 *
 *     # comment
 *     leak:my_cache_init          a function, source file or module with that in its name, anywhere in the stack
 *     leak:libfoo.so              likewise
 *     leak:^init_*_table$         ^ and $ stand for beginning and end, * for anything
 *
 * https://clang.llvm.org/docs/AddressSanitizer.html#suppressing-memory-leaks
 */
import { UserError } from '../util/errors.ts';
import type { FrameRow } from './source.ts';

export interface AllowRule {
  pattern: string;
  matches(text: string): boolean;
}

/** @throws UserError naming the line that is no such rule. */
export function parseAllowed(text: string, name: string): AllowRule[] {
  return text.split('\n').flatMap((raw, i) => {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) return [];
    const pattern = /^leak:(.+)$/.exec(line)?.[1];
    if (pattern === undefined) throw new UserError(`${name}:${i + 1} is not of the form leak:PATTERN: ${line}`);
    return [{ pattern, matches: matcher(pattern) }];
  });
}

/** The first rule that allows a stack; its machinery counts as well, whether reports show it or not. */
export function ruleFor(rules: AllowRule[], frames: FrameRow[]): AllowRule | undefined {
  const names = frames
    .flatMap(({ function: name, file, module }) => [name, file, module])
    .filter((text) => text !== null);
  return rules.find((rule) => names.some((name) => rule.matches(name)));
}

/** `^` and `$` stand for beginning and end, `*` for anything. Not a regular expression: names are a target's, and must not make it slow. */
export function matcher(pattern: string): (text: string) => boolean {
  const fromStart = pattern.startsWith('^');
  const toEnd = pattern.endsWith('$');
  const parts = pattern.slice(Number(fromStart), toEnd ? -1 : undefined).split('*');
  return (text) => {
    let at = 0;
    for (const [i, part] of parts.entries()) {
      const isLast = i === parts.length - 1;
      const found = isLast && toEnd ? text.length - part.length : text.indexOf(part, at);
      if (found < at || (i === 0 && fromStart && found !== 0) || !text.startsWith(part, found)) return false;
      at = found + part.length;
    }
    return true;
  };
}
