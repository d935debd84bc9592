// Findings for people (like a compiler's) and for programs (JSON).

import { type Finding, violationText } from './findings.ts';

export interface RenderOptions {
  readonly colour: boolean;
}

/** So much of a line is shown around the place; a config without line breaks is one long line. */
const WINDOW = 60;
const RED = '\u001b[31m';
const YELLOW = '\u001b[33m';
const BOLD = '\u001b[1m';
const RESET = '\u001b[0m';

/** `config.json:12:15: error: /linux/namespaces/0/type: expected …; found "networ"; did you mean "network"?` */
export function findingText(finding: Finding, file: string): string {
  return `${place(finding, file)} ${finding.severity}: ${words(finding)}`;
}

function place({ line, column }: Finding, file: string): string {
  return `${file}:${line}:${column}:`;
}

function words(finding: Finding): string {
  const guess = finding.suggestion === undefined ? '' : `; did you mean "${finding.suggestion}"?`;
  return printable(`${violationText(finding)}${guess}`);
}

/** Text from the document must not steer the terminal: control characters are shown as escapes. */
function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** The line that is not JSON, and a mark below the place. */
export function sourceLines({ source, column }: Finding): string[] {
  if (source === undefined) return [];
  const start = Math.max(0, column - 1 - WINDOW);
  const before = `${start > 0 ? '…' : ''}${source.slice(start, column - 1)}`;
  const after = source.slice(column - 1, column - 1 + WINDOW);
  // A tab counts as one column: shown as one space, the mark stands right.
  const flat = (text: string): string => printable(text.replaceAll('\t', ' '));
  return [`  ${flat(before + after)}`, `  ${' '.repeat(flat(before).length)}^`];
}

/** All findings on one file, as text (a line each, with a line break at the end; empty for none) or as one JSON document. */
export function renderFindings(
  findings: readonly Finding[],
  format: 'text' | 'json',
  { colour, file }: RenderOptions & { readonly file: string },
): string {
  if (format === 'json')
    return `${JSON.stringify({ file, valid: findings.every(({ severity }) => severity !== 'error'), findings }, null, 2)}\n`;
  return findings
    .flatMap((finding) => {
      const tint = finding.severity === 'error' ? RED : YELLOW;
      const head = colour
        ? `${BOLD}${place(finding, file)} ${tint}${finding.severity}:${RESET} ${words(finding)}`
        : findingText(finding, file);
      return [head, ...sourceLines(finding)];
    })
    .map((line) => `${line}\n`)
    .join('');
}
