// What is wrong with a document, as data.

export type Severity = 'error' | 'warning';

/** What a rule has to say: where, and what. */
export interface Violation {
  /** JSON pointer to the value. */
  readonly pointer: string;
  /** One sentence, lower case, no full stop; the value itself is called "it" or not mentioned. */
  readonly message: string;
  readonly severity: Severity;
  /** What the reader can do about it. */
  readonly hint?: string;
  /** The section of the specification that says so. */
  readonly spec?: string;
}

/** A violation with its place in the text, and what a tool may want to know apart from the sentence. */
export interface Finding extends Violation {
  /** From 1; in UTF-16 units as editors count. */
  readonly line: number;
  readonly column: number;
  readonly expected?: string;
  readonly found?: string;
  /** The valid name closest to what was found. */
  readonly suggestion?: string;
  /** The line of the text, where the text is not JSON. */
  readonly source?: string;
}

const SECTION = 'https://github.com/opencontainers/runtime-spec/blob/v1.3.0/';

/** A link into the specification: `specLink('config-linux.md#sysctl')`. */
export function specLink(section: string): string {
  return `${SECTION}${section}`;
}

/** `/linux/sysctl: the sentence; hint`, the part of a rendered finding that needs no positions. */
export function violationText(violation: Violation): string {
  const place = violation.pointer === '' ? '' : `${violation.pointer}: `;
  const hint = violation.hint === undefined ? '' : `; ${violation.hint}`;
  return `${place}${violation.message}${hint}`;
}

/** A value as a message shows it: JSON, cut to a length that a line bears. */
export function show(value: unknown): string {
  if (Array.isArray(value)) return 'an array';
  if (value !== null && typeof value === 'object') return 'an object';
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length <= 60 ? text : `${text.slice(0, 57)}…"`;
}
