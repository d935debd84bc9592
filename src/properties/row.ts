// The shape of the table of properties: for each property of the specification's config.md and config-linux.md, what
// becomes of it here, and the test that shows it.

/** A file, and the title of a test in it; `…` stands for what varies in the titles of several. */
export type TestName = readonly [file: string, title: string];

/**
 * Properties that the same file and the same test are about. `{a,b}` stands for each of them, `*` for any index of an array
 * and any name of a map: `/hooks/{prestart,poststop}/*` + `/path`.
 */
export type Row = {
  readonly properties: readonly string[];
  readonly test: TestName;
} & (
  | { readonly honouredBy: string }
  /** By name: an error says that this version does not do it. */
  | { readonly refusedBy: string }
  /** As the specification wants it, or with a warning. */
  | { readonly ignoredBy: string; readonly because: string }
);

export type Fate = 'honoured' | 'refused' | 'ignored';

export interface Property {
  readonly pattern: string;
  readonly fate: Fate;
  readonly file: string;
  readonly because?: string;
  readonly test: TestName;
}

/** The words between braces are put in one after the other. */
function expand(pattern: string): readonly string[] {
  const [all, before = '', words = '', after = ''] = /^(.*?)\{([^}]*)\}(.*)$/.exec(pattern) ?? [];
  return all === undefined ? [pattern] : words.split(',').flatMap((word) => expand(before + word + after));
}

/** The table, a property each, in the order of the rows. */
export function propertiesOf(rows: readonly Row[]): readonly Property[] {
  return rows.flatMap((row) => {
    const { test } = row;
    const rest =
      'honouredBy' in row
        ? ({ fate: 'honoured', file: row.honouredBy } as const)
        : 'refusedBy' in row
          ? ({ fate: 'refused', file: row.refusedBy } as const)
          : ({ fate: 'ignored', file: row.ignoredBy, because: row.because } as const);
    return row.properties.flatMap(expand).map((pattern) => ({ pattern, ...rest, test }));
  });
}
