// The schemas as a tree that a report can walk along with a document. Loaded for reports only.

import { pointer, type Segment, segmentsOf } from '../json-pointer.ts';
import { DEFINITIONS, ROOTS } from './generated/schema-index.ts';

/** A schema cut down to what reports need; made by scripts/generate.mjs. */
export interface SchemaNode {
  /** The section of the specification. */
  readonly spec?: string;
  /** Name of the definition that says the rest. */
  readonly ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly string[];
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  /** Of the values of an object used as a map. */
  readonly values?: SchemaNode;
  readonly items?: SchemaNode;
}

export type DocumentKind = keyof typeof ROOTS;

export function resolve(node: SchemaNode | undefined): SchemaNode | undefined {
  return node?.ref === undefined ? node : resolve(DEFINITIONS[node.ref]);
}

function child(node: SchemaNode, segment: string): SchemaNode | undefined {
  const { items, properties, values } = resolve(node) ?? {};
  if (items !== undefined) return items;
  return properties !== undefined && Object.hasOwn(properties, segment) ? properties[segment] : values;
}

/** The section of the specification that tells most about the place. */
export function specAt(kind: DocumentKind, at: string): string | undefined {
  let node: SchemaNode | undefined = ROOTS[kind];
  let spec = node.spec;
  for (const segment of segmentsOf(at)) {
    if (node === undefined) break;
    node = child(node, segment);
    spec = node?.spec ?? resolve(node)?.spec ?? spec;
  }
  return spec;
}

/** The names that an object at this place may have; empty where any may be. */
export function knownNames(kind: DocumentKind, at: string): readonly string[] {
  let node: SchemaNode | undefined = ROOTS[kind];
  for (const segment of segmentsOf(at)) node = node === undefined ? undefined : child(node, segment);
  return Object.keys(resolve(node)?.properties ?? {});
}

export interface UnknownProperty {
  readonly pointer: string;
  readonly name: string;
  readonly known: readonly string[];
}

/** The properties of a document that the schema does not know, in their order. */
export function unknownProperties(kind: DocumentKind, document: unknown): UnknownProperty[] {
  const unknown: UnknownProperty[] = [];
  visit(ROOTS[kind], document, []);
  return unknown;

  function visit(node: SchemaNode, value: unknown, path: readonly Segment[]): void {
    const schema = resolve(node);
    if (schema === undefined || value === null || typeof value !== 'object') return;
    for (const [name, part] of Object.entries(value)) {
      const next = child(schema, name);
      if (next !== undefined) visit(next, part, [...path, name]);
      else if (schema.properties !== undefined && !Array.isArray(value))
        unknown.push({ pointer: pointer(...path, name), name, known: Object.keys(schema.properties) });
    }
  }
}
