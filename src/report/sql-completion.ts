/**
 * What a word of SQL can be completed to: commands at the beginning, behind FROM and JOIN tables and views, else also the
 * columns of those that the statement names, or of all.
 *
 *     SELECT func▮ FROM leaks      function
 *     SELECT * FROM hi▮            high_watermark
 *     SELECT s.al▮                 s.allocations, s.allocated_bytes, …
 */

/** A table or a view with its columns. */
export interface Relation {
  name: string;
  columns: readonly string[];
}

export const COMMANDS = ['.views', '.examples', '.quit', '.exit'] as const;

const KEYWORDS = ['SELECT', 'FROM', 'WHERE', 'GROUP BY', 'ORDER BY', 'LIMIT', 'JOIN', 'HAVING', 'DISTINCT', 'WITH'];

/** For readline: what `text`, all of a statement up to the cursor, can end with, and the word that is completed. */
export function completions(text: string, relations: readonly Relation[]): [hits: string[], word: string] {
  const word = /[.\w]*$/.exec(text)![0];
  if (word.startsWith('.') && text === word) return [startingWith(COMMANDS, word), word];
  const [, qualifier = '', part = word] = /^(.*\.)(.*)$/.exec(word) ?? [];
  const before = text.slice(0, text.length - word.length);
  const columns = columnsFor(text, relations);
  if (qualifier !== '') return [startingWith(columns, part).map((column) => qualifier + column), word];
  const names = relations.map(({ name }) => name);
  const isName = /\b(?:from|join)\s+(?:[\w\s]+,\s*)?$/i.test(before);
  return [startingWith(isName ? names : [...columns, ...names, ...KEYWORDS], part), word];
}

function columnsFor(text: string, relations: readonly Relation[]): string[] {
  const words = new Set(text.toLowerCase().match(/\w+/g));
  const named = relations.filter(({ name }) => words.has(name.toLowerCase()));
  return (named.length > 0 ? named : relations).flatMap(({ columns }) => columns);
}

function startingWith(names: readonly string[], part: string): string[] {
  const begin = part.toLowerCase();
  return [...new Set(names)].filter((name) => name.toLowerCase().startsWith(begin)).sort();
}
