// docs/properties.md: the table for people.

import type { Property } from './row.ts';
import type { Chapter } from './table.ts';

const HEAD = `# Properties

Every property that the OCI runtime specification 1.3 has for Linux (config.md and config-linux.md, as enumerated in
[schemas/](../schemas/)), the file that honours or refuses it, and a test that shows it. \`*\` stands for any index and any name.
Made of the rows in [src/properties/](../src/properties/). The build fails where a property has no row, where a file does not
mention what it is said to honour, and where there is no such test.
`;

const FATES = { honoured: '', refused: 'refused by name: ', ignored: 'ignored: ' } as const;

export function tableText(chapters: readonly Chapter[]): string {
  const count = (fate: Property['fate']): number =>
    chapters.flatMap(({ properties }) => properties).filter((property) => property.fate === fate).length;
  const lines = [HEAD, `${count('honoured')} are honoured, ${count('refused')} refused, ${count('ignored')} ignored.`];
  for (const { title, properties } of chapters) {
    lines.push(
      '',
      `## ${title}`,
      '',
      '| property | where | shown by |',
      '| --- | --- | --- |',
      ...properties.map(rowText),
    );
  }
  return `${lines.join('\n')}\n`;
}

function rowText({ pattern, fate, file, because, test: [testFile, title] }: Property): string {
  const why = because === undefined ? '' : ` (${because})`;
  return `| \`${pattern}\` | ${FATES[fate]}[${file.replace(/^src\//, '')}](../${file})${why} | [${plain(title)}](../${testFile}) |`;
}

/** What Markdown would take for its own. */
function plain(text: string): string {
  return text.replaceAll(/[|*`<[\]_]/g, '\\$&');
}
