// Values for a place in a config: such as the schema allows, with a liking for what is at an edge.

import fc from 'fast-check';
import type { Place, Schema } from '../spec/schema-tree.ts';
import type { Json } from './bases.ts';
import { keysOf, TEXTS, wordsOf } from './words.ts';

/**
 * An integer that a double can't hold is this text in front of its digits, until the config is written: JSON.stringify has
 * no other way to say it.
 */
const INTEGER_MARK = '\u0001integer:';

export function writeConfig(config: Json): string {
  return JSON.stringify(config).replaceAll(/"\\u0001integer:(-?\d+)"/g, '$1');
}

const EXACT = [
  '9007199254740993',
  '18446744073709551615',
  '18446744073709551616',
  '-9223372036854775808',
  '9223372036854775807',
  '-9223372036854775809',
  '-9007199254740993',
];
const INTEGERS = [
  0,
  1,
  -1,
  2,
  3,
  7,
  8,
  255,
  256,
  511,
  4095,
  4096,
  65535,
  65536,
  1000,
  1001,
  1024,
  999_999_999,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32 - 1,
  2 ** 32,
  2 ** 53 - 1,
  -(2 ** 31),
  -(2 ** 53),
  2 ** 63,
];

/** What no place expects, and what only some do. */
const JUNK: fc.Arbitrary<Json> = fc.oneof(
  fc.constantFrom<Json[]>(
    null,
    true,
    false,
    0,
    -1,
    1.5,
    1e300,
    -0,
    '',
    'x',
    [],
    {},
    [null],
    [[]],
    { a: 1 },
    [''],
    `${INTEGER_MARK}${EXACT[1]}`,
  ),
  fc.constantFrom(...TEXTS),
);

/** Arbitraries by pattern, for all places: made once. */
export function valuesOf(places: readonly Place[]): ReadonlyMap<string, fc.Arbitrary<Json>> {
  const made = new Map<string, fc.Arbitrary<Json>>();
  // Items lie behind what holds them.
  for (const place of [...places].reverse()) {
    made.set(
      place.pattern,
      fc.oneof({ weight: 40, arbitrary: fitting(place.schema, place.pattern) }, { weight: 1, arbitrary: JUNK }),
    );
  }
  return made;

  function fitting(schema: Schema, pattern: string): fc.Arbitrary<Json> {
    if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
    const types = Array.isArray(schema.type) ? schema.type : [schema.type];
    const all = types.map((type) => ofType(type, schema, pattern));
    return all.length === 1 && all[0] !== undefined ? all[0] : fc.oneof(...all);
  }

  function ofType(type: string, schema: Schema, pattern: string): fc.Arbitrary<Json> {
    switch (type) {
      case 'boolean':
        return fc.boolean();
      case 'integer':
        return integer(schema);
      case 'array':
        return fc.array(made.get(`${pattern}/*`) ?? JUNK, { maxLength: 4 });
      case 'object':
        return object(schema, pattern);
      case 'null':
        return fc.constant(null);
      default: {
        const words = wordsOf(pattern);
        return words.length === 0
          ? fc.oneof(fc.constantFrom(...TEXTS), fc.string({ maxLength: 8 }))
          : fc.oneof(
              { weight: 19, arbitrary: fc.constantFrom(...words) },
              { weight: 1, arbitrary: fc.constantFrom(...TEXTS) },
            );
      }
    }
  }

  function integer({ minimum = -Infinity, maximum = Infinity }: Schema): fc.Arbitrary<Json> {
    const edges = INTEGERS.filter((value) => value >= minimum && value <= maximum);
    return fc.oneof(
      { weight: 12, arbitrary: fc.constantFrom<Json[]>(...edges) },
      { weight: 2, arbitrary: fc.nat(64) },
      { weight: 1, arbitrary: fc.constantFrom(...EXACT.map((digits) => INTEGER_MARK + digits)) },
    );
  }

  function object(schema: Schema, pattern: string): fc.Arbitrary<Json> {
    const { properties, required = [] } = schema;
    if (properties === undefined) {
      return fc.dictionary(fc.constantFrom(...keysOf(pattern)), made.get(`${pattern}/*`) ?? JUNK, { maxKeys: 3 });
    }
    const model = Object.fromEntries(
      Object.keys(properties).map((name) => [name, made.get(`${pattern}/${name}`) ?? JUNK]),
    );
    return fc.record(model, { requiredKeys: required.filter((name) => Object.hasOwn(model, name)) });
  }
}
