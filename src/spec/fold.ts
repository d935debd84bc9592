// Names of properties in another case (`pagesize` for `pageSize`, `CPU` for `cpu`). The specification's are case-sensitive, as JSON's are; runc is
// written in Go, whose decoder takes any case, and configs that were only ever given to runc have such names. They are taken for what they
// mean, with a warning. Loaded only for a document that does not fit, or has a name that the schema does not know.
//
// Where one property is there under two names, two objects that have no name in common are one, as in Go. Else the one that is written as the
// specification has it counts, and the other stays what it is, unknown; of two that are not, neither does: Go would take the later one, and
// whoever has looked at the document before may have taken the other.

import { pointer, type Segment } from '../json-pointer.ts';
import type { Violation } from './findings.ts';
import { ROOTS } from './generated/schema-index.ts';
import { isTooDeep } from './positions.ts';
import { scan } from './scan.ts';
import { type DocumentKind, resolve, type SchemaNode } from './schema.ts';

export interface Folded {
  /** With the names of the specification, and what was apart in one place. */
  readonly document: unknown;
  /** The document as JSON, with numbers to the last digit. */
  readonly text: string;
  /** The text that was given, with the names of the specification: everything is where it was. */
  readonly inPlace: string;
  /** By the pointers of the text that was given. */
  readonly findings: readonly Violation[];
}

const SPEC = 'https://www.rfc-editor.org/rfc/rfc8259#section-8.3';

/** undefined where there is nothing to fold, and for what is not JSON, has a name twice or is too deep: that is told without. */
export function foldNames(text: string, kind: DocumentKind): Folded | undefined {
  if (isTooDeep(text)) return undefined;
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    return undefined;
  }
  const found: Found = { renamed: new Map(), findings: [] };
  const document = fold(ROOTS[kind], given, [], found);
  if (found.findings.length === 0) return undefined;
  let inPlace = '';
  let copied = 0;
  const { duplicates } = scan(text, (at, token, index) => {
    const name = found.renamed.get(at);
    if (name === undefined) return;
    // Of one length where the name is written without escapes; shorter than these in any case.
    inPlace += text.slice(copied, index) + JSON.stringify(name).padEnd(token.length);
    copied = index + token.length;
  });
  if (duplicates.length > 0) return undefined;
  inPlace += text.slice(copied);
  const { longNumbers } = scan(inPlace);
  const written = longNumbers.size === 0 ? JSON.stringify(document) : write(document, [], longNumbers);
  return { document, text: written, inPlace, findings: found.findings };
}

interface Found {
  /** The specification's name, by the pointer as it was given. */
  readonly renamed: Map<string, string>;
  readonly findings: Violation[];
}

function fold(node: SchemaNode, value: unknown, path: readonly Segment[], found: Found): unknown {
  const { items, properties, values } = resolve(node) ?? {};
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value))
    return items === undefined ? value : value.map((item, index) => fold(items, item, [...path, index], found));
  if (properties !== undefined) return foldObject(properties, value, path, found);
  if (values === undefined) return value;
  // Of a map: its names are anybody's.
  return fromEntries(Object.entries(value).map(([name, part]) => [name, fold(values, part, [...path, name], found)]));
}

function foldObject(
  properties: Readonly<Record<string, SchemaNode>>,
  value: object,
  path: readonly Segment[],
  found: Found,
): unknown {
  const members = new Map<string, unknown>();
  const others: { readonly name: string; readonly known: string; readonly node: SchemaNode; readonly part: unknown }[] =
    [];
  for (const [name, part] of Object.entries(value)) {
    const node = Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (node !== undefined) {
      members.set(name, fold(node, part, [...path, name], found));
      continue;
    }
    const known = knownAs(name, properties);
    if (known === undefined) members.set(name, part);
    else others.push({ name, ...known, part });
  }
  for (const { name, known, node, part } of others) {
    const at = pointer(...path, name);
    const inner: Found = { renamed: new Map(), findings: [] };
    const folded = fold(node, part, [...path, name], inner);
    const there = members.get(known);
    const whole = members.has(known) ? joined(there, folded) : folded;
    if (whole === undefined) {
      members.set(name, part);
      found.findings.push(refused(at, known, Object.hasOwn(value, known)));
      continue;
    }
    members.set(known, whole);
    found.findings.push({
      pointer: at,
      severity: 'warning',
      message: `it is taken for "${known}", as the specification spells it`,
      spec: SPEC,
    });
    found.findings.push(...inner.findings);
    found.renamed.set(at, known);
    for (const [inside, renamed] of inner.renamed) found.renamed.set(inside, renamed);
  }
  return fromEntries([...members]);
}

function refused(at: string, known: string, isExact: boolean): Violation {
  const message = `"${known}" is there already, under the name that the specification gives it`;
  return isExact
    ? { pointer: at, severity: 'warning', message: `it is ignored: ${message}`, spec: SPEC }
    : {
        pointer: at,
        severity: 'error',
        message: `"${known}" is there already under another name in another case`,
        hint: 'write it once, as the specification spells it',
        spec: SPEC,
      };
}

/** Letters of ASCII alone: Go takes the sign of the kelvin for a k, too, which nobody means. */
function knownAs(
  name: string,
  properties: Readonly<Record<string, SchemaNode>>,
): { readonly known: string; readonly node: SchemaNode } | undefined {
  if (!/^\w+$/.test(name)) return undefined;
  const lower = name.toLowerCase();
  const entry = Object.entries(properties).find(([candidate]) => candidate.toLowerCase() === lower);
  return entry === undefined ? undefined : { known: entry[0], node: entry[1] };
}

/** undefined unless they are objects without a name in common. */
function joined(one: unknown, other: unknown): object | undefined {
  if (!isObject(one) || !isObject(other)) return undefined;
  return Object.keys(other).some((name) => Object.hasOwn(one, name)) ? undefined : { ...one, ...other };
}

function isObject(value: unknown): value is object {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

/** An assignment to `__proto__` would not make a property. */
const fromEntries = (entries: readonly (readonly [string, unknown])[]): object => Object.fromEntries(entries);

/** JSON.stringify would write what a double holds of a long number. */
function write(value: unknown, path: readonly Segment[], literals: ReadonlyMap<string, string>): string {
  if (typeof value === 'number') return literals.get(pointer(...path)) ?? JSON.stringify(value);
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((item, index) => write(item, [...path, index], literals)).join()}]`;
  const members = Object.entries(value).map(
    ([name, part]) => `${JSON.stringify(name)}:${write(part, [...path, name], literals)}`,
  );
  return `{${members.join()}}`;
}
