// The text form of GVariant (docs.gtk.org, "GVariant Text Format"), as far as properties of units need it: strings, booleans, numbers with or
// without their type, and arrays of strings. Pure.

export type VariantValue =
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'integer'; readonly value: bigint; readonly type?: string }
  | { readonly kind: 'double'; readonly value: number }
  | { readonly kind: 'strings'; readonly value: readonly string[] };

const RANGES: Readonly<Record<string, readonly [bigint, bigint]>> = {
  byte: [0n, 0xffn],
  int16: [-0x8000n, 0x7fffn],
  uint16: [0n, 0xffffn],
  int32: [-0x8000_0000n, 0x7fff_ffffn],
  uint32: [0n, 0xffff_ffffn],
  int64: [-(1n << 63n), (1n << 63n) - 1n],
  uint64: [0n, (1n << 64n) - 1n],
};

/** undefined: not a value of these kinds. */
export function parseVariant(text: string): VariantValue | undefined {
  const value = text.trim();
  if (value === 'true' || value === 'false') return { kind: 'boolean', value: value === 'true' };
  const string = readString(value);
  if (string !== undefined && string.rest === '') return { kind: 'string', value: string.value };
  const [, list] = /^(?:@as\s*)?\[(.*)\]$/s.exec(value) ?? [];
  if (list !== undefined) return parseList(list);
  const [, type, number = ''] = /^(?:(byte|u?int(?:16|32|64)|double)\s+)?([+-]?[0-9a-fA-Fxe.+-]+)$/.exec(value) ?? [];
  if (/^[+-]?(?:0[xX][0-9a-fA-F]+|\d+)$/.test(number) && type !== 'double') return parseInteger(number, type);
  if ((type === undefined || type === 'double') && /^[+-]?\d+(?:\.\d*)?(?:e[+-]?\d+)?$/.test(number))
    return { kind: 'double', value: Number(number) };
  return undefined;
}

function parseInteger(text: string, type: string | undefined): VariantValue | undefined {
  const negative = text.startsWith('-');
  const magnitude = BigInt(text.replace(/^[+-]/, ''));
  const value = negative ? -magnitude : magnitude;
  // Without a type it is an int32 in GVariant; here the property says what it has to be.
  const [low, high] = RANGES[type ?? (negative ? 'int64' : 'uint64')] ?? [0n, 0n];
  if (value < low || value > high) return undefined;
  return { kind: 'integer', value, ...(type === undefined ? {} : { type }) };
}

function parseList(text: string): VariantValue | undefined {
  const strings: string[] = [];
  for (let rest = text.trim(); rest !== ''; ) {
    const string = readString(rest);
    if (string === undefined) return undefined;
    strings.push(string.value);
    rest = string.rest.trim();
    if (rest === '') break;
    if (!rest.startsWith(',')) return undefined;
    rest = rest.slice(1).trim();
    if (rest === '') return undefined;
  }
  return { kind: 'strings', value: strings };
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '\\': '\\', "'": "'", '"': '"' };

/** A string in single or double quotes at the beginning of the text. */
function readString(text: string): { readonly value: string; readonly rest: string } | undefined {
  const quote = text[0];
  if (quote !== "'" && quote !== '"') return undefined;
  let value = '';
  for (let at = 1; at < text.length; at++) {
    const character = text[at] ?? '';
    if (character === quote) return { value, rest: text.slice(at + 1) };
    if (character === '\\') {
      const escaped = ESCAPES[text[++at] ?? ''];
      if (escaped === undefined) return undefined;
      value += escaped;
    } else value += character;
  }
  return undefined;
}
