// What ps(1) prints of all processes, less those that are not meant.

import { fail } from '../error.ts';

/** The head line and the lines whose PID is one of `pids`. Which column that is, the head tells. Throws `host`. */
export function psTable(output: string, pids: readonly number[]): string {
  const [head = '', ...lines] = output.split('\n');
  const column = head.split(/\s+/).filter(Boolean).indexOf('PID');
  if (column < 0)
    fail({
      code: 'host',
      message: "couldn't find PID field in ps output",
      hint: 'the ps options must ask for the pid of each process, as -o pid does',
    });
  const wanted = lines.filter((line) => line !== '' && pids.includes(pidIn(line, column)));
  return [head, ...wanted].map((line) => `${line}\n`).join('');
}

function pidIn(line: string, column: number): number {
  const word = line.split(/\s+/).filter(Boolean)[column] ?? '';
  if (!/^\d+$/.test(word))
    fail({
      code: 'host',
      message: `unable to parse pid: ${JSON.stringify(word)} in the line ${JSON.stringify(line)} of ps`,
      hint: 'columns with spaces in them must stand after the pid',
    });
  return Number(word);
}
