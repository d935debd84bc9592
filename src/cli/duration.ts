// Durations as Go's time.ParseDuration reads them: 5s, 100ms, 1m30s, 1.5h.

const MILLISECONDS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  // The micro sign, and the Greek letter.
  '\u00b5s': 1e-3,
  '\u03bcs': 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** Milliseconds, which may be a fraction or negative; undefined: it is no duration. */
export function parseDuration(text: string): number | undefined {
  if (/^[+-]?0$/.test(text)) return 0;
  const number = '(?:\\d+\\.?\\d*|\\.\\d+)';
  const unit = '(?:ns|us|\u00b5s|\u03bcs|ms|s|m|h)';
  if (!new RegExp(`^[+-]?(?:${number}${unit})+$`).test(text)) return undefined;
  let milliseconds = 0;
  for (const [, count, name] of text.matchAll(new RegExp(`(${number})(${unit})`, 'g')))
    milliseconds += Number(count) * (MILLISECONDS[name ?? ''] ?? Number.NaN);
  return text.startsWith('-') ? -milliseconds : milliseconds;
}
