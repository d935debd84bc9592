// JSON pointers (RFC 6901): how runt names a place in a document.

export type Segment = string | number;

/** `pointer('linux', 'namespaces', 0)` is `/linux/namespaces/0`. */
export function pointer(...segments: readonly Segment[]): string {
  return segments.map((segment) => `/${String(segment).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

/** The pointer's parts, decoded. */
export function segmentsOf(text: string): string[] {
  if (text === '') return [];
  return text
    .slice(1)
    .split('/')
    .map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** The value at a pointer; undefined where there is none. */
export function valueAt(document: unknown, text: string): unknown {
  let value = document;
  for (const segment of segmentsOf(text)) {
    if (value === null || typeof value !== 'object' || !Object.hasOwn(value, segment)) return undefined;
    value = (value as Readonly<Record<string, unknown>>)[segment];
  }
  return value;
}

/** True if `inner` is the place `outer` or one below it. */
export function isWithin(inner: string, outer: string): boolean {
  return inner === outer || inner.startsWith(`${outer}/`);
}
