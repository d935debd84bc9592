// The schemas as they lie in schemas/, walked through their references. For the development tools alone: the program has
// what generate.mjs makes of them.

import { readdirSync, readFileSync } from 'node:fs';

/** A schema of schemas/, as far as these tools read it. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly string[];
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly $defs?: Readonly<Record<string, Schema>>;
  readonly description?: string;
  readonly 'x-spec'?: string;
}

/** A place that a config may have a value at. */
export interface Place {
  /** As a JSON pointer, where `*` stands for any index of an array and any name of a map. */
  readonly pattern: string;
  readonly schema: Schema;
  /** A property that the schema names, and not an item. */
  readonly isProperty: boolean;
}

/** Sections for other platforms: what is in them means nothing here. */
const FOREIGN = /^\/(?:solaris|windows|vm|zos|freebsd)\//;

/** Reads a folder of schemas; returns every place of a config that concerns Linux, in the order of the schemas. */
export function configPlaces(directory = 'schemas'): readonly Place[] {
  const files = new Map<string, Schema>();
  for (const name of readdirSync(directory)) {
    if (name.endsWith('.schema.json')) files.set(name, JSON.parse(readFileSync(`${directory}/${name}`, 'utf8')));
  }
  const places: Place[] = [];
  visit({ $ref: 'config.schema.json' }, '', '', false);
  return places.filter(({ pattern }) => pattern !== '' && !FOREIGN.test(pattern));

  function visit(given: Schema, file: string, pattern: string, isProperty: boolean): void {
    const { schema, home } = resolve(given, file);
    // What a reference says of itself goes before what it leads to: its section is the nearer one.
    places.push({ pattern, schema: { ...schema, ...given }, isProperty });
    for (const [name, property] of Object.entries(schema.properties ?? {})) {
      visit(property, home, `${pattern}/${name}`, true);
    }
    if (schema.items !== undefined) visit(schema.items, home, `${pattern}/*`, false);
    const { additionalProperties: values } = schema;
    if (typeof values === 'object') visit(values, home, `${pattern}/*`, false);
  }

  function resolve(given: Schema, file: string): { readonly schema: Schema; readonly home: string } {
    if (given.$ref === undefined) return { schema: given, home: file };
    const [path = '', fragment] = given.$ref.split('#');
    const home = path === '' ? file : path;
    const document = files.get(home);
    const schema = fragment === undefined ? document : document?.$defs?.[fragment.replace('/$defs/', '')];
    if (schema === undefined) throw new Error(`${file}: ${given.$ref} leads nowhere`);
    return resolve(schema, home);
  }
}
