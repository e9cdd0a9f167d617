/** As much of JSON Schema as the schema of speedscope's format uses. */
export interface JsonSchema {
  $ref?: string;
  definitions?: Record<string, JsonSchema>;
  anyOf?: JsonSchema[];
  enum?: unknown[];
  const?: unknown;
  type?: string;
  required?: string[];
  properties?: Record<string, JsonSchema>;
  items?: JsonSchema;
  $schema?: string;
  title?: string;
}

const KNOWN = ['$ref', 'definitions', 'anyOf', 'enum', 'const', 'type', 'required', 'properties', 'items'];

/** Where `value` is not what the schema says; empty if it is. */
export function schemaProblems(schema: JsonSchema, value: unknown, root = schema, path = '$'): string[] {
  const unknown = Object.keys(schema).filter((key) => ![...KNOWN, '$schema', 'title'].includes(key));
  if (unknown.length > 0) throw new Error(`schema keywords that are not checked: ${unknown}`);
  const check = (part: JsonSchema, inner: unknown, at: string) => schemaProblems(part, inner, root, at);
  if (schema.$ref !== undefined)
    return check(root.definitions![schema.$ref.replace('#/definitions/', '')]!, value, path);
  if (schema.anyOf !== undefined) {
    const problems = schema.anyOf.map((part) => check(part, value, path));
    return problems.find((list) => list.length === 0) ?? problems.flat();
  }
  if (schema.enum !== undefined && !schema.enum.includes(value)) return [`${path} is not one of ${schema.enum}`];
  if (schema.const !== undefined && schema.const !== value) return [`${path} is not ${schema.const}`];
  const type = Array.isArray(value) ? 'array' : typeof value;
  if (schema.type !== undefined && schema.type !== type) return [`${path} is ${type}, not ${schema.type}`];
  if (Array.isArray(value)) return value.flatMap((item, i) => check(schema.items ?? {}, item, `${path}[${i}]`));
  if (type !== 'object') return [];
  const object = value as Record<string, unknown>;
  const missing = (schema.required ?? []).filter((key) => !(key in object)).map((key) => `${path}.${key} is missing`);
  const parts = Object.entries(schema.properties ?? {}).filter(([key]) => key in object);
  return [...missing, ...parts.flatMap(([key, part]) => check(part, object[key], `${path}.${key}`))];
}
