/**
 * Where SQL statements end. A semicolon inside quotes or comments ends nothing:
 *
 *     SELECT ';' -- not; here         →  statements: SELECT ';' -- not; here⏎ FROM leaks
 *     FROM leaks; SELECT 1               rest:       SELECT 1
 */

/** Quoted text or a comment, also when it is not closed; or a semicolon; or the next character. */
const TOKEN =
  /'(?:[^']|'')*(?:'|$)|"(?:[^"]|"")*(?:"|$)|`[^`]*(?:`|$)|\[[^\]]*(?:\]|$)|--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|;|[\s\S]/g;

/** Complete statements without their semicolons, and what follows the last one; both are empty of mere comments. */
export function splitStatements(text: string): { statements: string[]; rest: string } {
  const statements: string[] = [];
  let current = '';
  let hasContent = false;
  for (const [token] of text.matchAll(TOKEN)) {
    if (token === ';') {
      if (hasContent) statements.push(current.trim());
      current = '';
      hasContent = false;
      continue;
    }
    current += token;
    hasContent ||= !/^(?:--|\/\*|\s)/.test(token);
  }
  return { statements, rest: hasContent ? current : '' };
}
