// What is wrong with the table: a property of the schemas without a row, a row that says nothing true.

import { existsSync, readFileSync } from 'node:fs';
import type { Property } from './row.ts';

/** The last name of a pattern; `*` names nothing. */
function names(pattern: string): readonly string[] {
  return pattern.split('/').filter((part) => part !== '' && part !== '*');
}

function mentions(text: string, name: string): boolean {
  return new RegExp(`(?<![\\w-])${name}(?![\\w-])`).test(text);
}

/**
 * Where the table and the schemas or the sources differ, a sentence each; empty where all is well. `patterns`: the properties
 * of the schemas. Reads the files that the rows name, below the working directory.
 */
export function tableProblems(table: readonly Property[], patterns: readonly string[]): readonly string[] {
  const problems: string[] = [];
  const texts = new Map<string, string>();
  const textOf = (file: string): string => {
    let text = texts.get(file);
    if (text === undefined) {
      text = existsSync(file) ? readFileSync(file, 'utf8') : '';
      if (text === '') problems.push(`${file} does not exist`);
      texts.set(file, text);
    }
    return text;
  };
  const seen = new Set<string>();
  for (const { pattern, fate, file, test } of table) {
    if (seen.has(pattern)) problems.push(`${pattern} has two rows`);
    seen.add(pattern);
    if (!patterns.includes(pattern)) problems.push(`${pattern} is no property of the schemas`);
    if (test[0] === file || !/\.test\.ts$/.test(test[0])) problems.push(`${pattern}: ${test[0]} is no file of tests`);
    // What is refused as a whole is named by the whole: linux.intelRdt for linux.intelRdt.closID.
    const about =
      fate === 'honoured' ? names(pattern).slice(-1) : names(pattern).slice(names(pattern).length > 1 ? 1 : 0);
    for (const place of [file, test[0]]) {
      if (!about.some((name) => mentions(textOf(place), name)))
        problems.push(`${pattern}: ${place} does not mention it`);
    }
    if (!hasTest(textOf(test[0]), test[1]))
      problems.push(`${pattern}: ${test[0]} has no test ${JSON.stringify(test[1])}`);
  }
  for (const pattern of patterns) {
    if (!seen.has(pattern)) problems.push(`${pattern} has no row: say who honours it, and which test shows that`);
  }
  return problems;
}

/** A title is written in quotes of any kind; of one that a template makes, `…` stands for each part that varies. */
function hasTest(text: string, title: string): boolean {
  const parts = title.split('…').map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  if (parts.length > 1) return new RegExp(`\`${parts.join('\\$\\{[^`]*?\\}')}\``).test(text);
  return ["'", '"', '`'].some((quote) => text.includes(`${quote}${title.replaceAll(quote, `\\${quote}`)}${quote}`));
}
