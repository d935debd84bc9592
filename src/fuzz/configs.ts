// Configs that are nearly right: one of the bases with some of its values changed.

import fc from 'fast-check';
import { configPlaces, type Place, type Schema } from '../spec/schema-tree.ts';
import { BASES, type Json } from './bases.ts';
import { valuesOf, writeConfig } from './values.ts';
import { keysOf, wordFor } from './words.ts';

interface Mutation {
  readonly place: Place;
  /** Chooses among the items of the arrays, and the names of the maps, on the way. */
  readonly choice: number;
  /** undefined: what is there is taken away. */
  readonly value: Json | undefined;
  /** The value is put there that many times: beyond one only into a list. */
  readonly times: number;
}

type Container = Record<string, Json> | Json[];

/** The text of a config. The same seed gives the same texts. */
export function configTexts(): fc.Arbitrary<string> {
  const places = configPlaces();
  const values = valuesOf(places);
  const schemas = new Map(places.map(({ pattern, schema }) => [pattern, schema]));
  const mutation = fc.oneof(
    ...places.map((place) =>
      fc.record<Mutation>({
        place: fc.constant(place),
        choice: fc.nat(1000),
        value: fc.oneof(
          { weight: 9, arbitrary: values.get(place.pattern) ?? fc.constant(null) },
          { weight: 1, arbitrary: fc.constant(undefined) },
        ),
        times: fc.oneof(
          { weight: 60, arbitrary: fc.constant(1) },
          { weight: 1, arbitrary: fc.constantFrom(2, 40, 700) },
        ),
      }),
    ),
  );
  const few = fc.oneof(
    { weight: 3, arbitrary: fc.array(mutation, { minLength: 1, maxLength: 2 }) },
    { weight: 1, arbitrary: fc.array(mutation, { minLength: 3, maxLength: 8 }) },
  );
  const mutated = fc.tuple(fc.nat(BASES.length - 1), few).map(([base, mutations]) => {
    const config = structuredClone(BASES[base] ?? {}) as Container;
    for (const one of mutations) apply(config, one, schemas);
    return writeConfig(config as Json);
  });
  return fc.oneof(
    { weight: 60, arbitrary: mutated },
    { weight: 3, arbitrary: recased(mutated) },
    { weight: 1, arbitrary: damaged(mutated) },
  );
}

/** Texts with names in another case. */
function recased(texts: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const cases = [
    (name: string) => name.toUpperCase(),
    (name: string) => name.toLowerCase(),
    (name: string) => `${name.charAt(0).toUpperCase()}${name.slice(1)}`,
    // Once more, in another case.
    (name: string) => `${name}":{},"${name.toUpperCase()}`,
  ];
  return fc
    .tuple(texts, fc.nat(), fc.integer({ min: 1, max: 9 }), fc.constantFrom(...cases))
    .map(([text, first, step, change]) => {
      let index = first % step;
      return text.replace(/"(\w+)"(?=\s*:)/g, (all, name: string) =>
        index++ % step === 0 ? `"${change(name)}"` : all,
      );
    });
}

/** Texts that are hardly JSON any more. */
function damaged(texts: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc
    .tuple(
      texts,
      fc.nat(),
      fc.constantFrom('', '"', '{', '}', ',', ':', '\\', '\0', '\u{feff}', '1e999', '"a":1,', 'null'),
      fc.nat(3),
    )
    .map(([text, at, put, taken]) => {
      const place = at % (text.length + 1);
      return text.slice(0, place) + put + text.slice(place + taken);
    });
}

function apply(
  config: Container,
  { place, choice, value, times }: Mutation,
  schemas: ReadonlyMap<string, Schema>,
): void {
  const parts = place.pattern.slice(1).split('/');
  let at: Container = config;
  let pattern = '';
  for (const [index, part] of parts.entries()) {
    const name = part === '*' ? pick(at, pattern, choice) : part;
    pattern += `/${part}`;
    if (index === parts.length - 1) {
      // Later mutations may change it: the generators' own values stay as they are.
      put(at, name, structuredClone(value), times);
      return;
    }
    if (!Object.hasOwn(at, name)) put(at, name, smallest(schemas, pattern), 1);
    const next = (at as Record<string, Json | undefined>)[name];
    // A value of another kind is in the way: an earlier mutation has put it there.
    if (next === undefined || next === null || typeof next !== 'object') return;
    at = next as Container;
  }
}

/** The smallest value that the schema of the place allows. */
function smallest(schemas: ReadonlyMap<string, Schema>, pattern: string): Json {
  const schema = schemas.get(pattern);
  switch (schema?.type) {
    case 'object':
      return Object.fromEntries((schema.required ?? []).map((name) => [name, smallest(schemas, `${pattern}/${name}`)]));
    case 'array':
      return [];
    case 'integer':
      return schema.minimum ?? 0;
    case 'boolean':
      return false;
    default:
      return schema?.enum?.[0] ?? wordFor(pattern);
  }
}

/** An index of the array, or the one behind its end; a name of the map, or a new one. */
function pick(at: Container, pattern: string, choice: number): string {
  if (Array.isArray(at)) return String(choice % (at.length + 1));
  const names = [...Object.keys(at), ...keysOf(pattern)];
  return names[choice % names.length] ?? '';
}

/** Characters of all copies of a value together: many small ones, not many large ones. */
const MOST = 200_000;

function put(at: Container, name: string, value: Json | undefined, times: number): void {
  if (Array.isArray(at)) {
    const size = times === 1 || value === undefined ? 1 : JSON.stringify(value).length;
    const items =
      value === undefined ? [] : Array.from({ length: Math.min(times, Math.ceil(MOST / size)) }, () => value);
    at.splice(Number(name), 1, ...items);
  } else if (value === undefined) delete at[name];
  // An assignment to __proto__ would not make a property.
  else Object.defineProperty(at, name, { value, enumerable: true, configurable: true, writable: true });
}
