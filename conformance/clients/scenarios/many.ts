// Many containers at once.

import assert from 'node:assert/strict';
import { ok } from '../harness/command.ts';
import type { Engine } from '../harness/engine.ts';
import { group, scenario } from '../harness/scenario.ts';

/** How many; CLIENTS_MANY says otherwise. */
export const MANY = Math.max(1, Number(process.env['CLIENTS_MANY'] ?? 50) || 50);

/** So many clients are at work at once: the clients themselves are heavier than what they ask for. */
const CLIENTS = 8;

/** Calls `work` for 0 … count-1, a few at a time. */
export async function eachOf(count: number, work: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      while (next < count) await work(next++);
    }),
  );
}

export function many(engine: Engine): void {
  group('many', () => {
    scenario(`${MANY} containers live at once, each with its own output, and all go`, async (context) => {
      const names: string[] = [];
      context.afterwards(() => engine.remove(names));
      await eachOf(MANY, async (index) => {
        const name = context.name();
        names.push(name);
        const program = ['sh', '-c', `echo "number ${index} of ${name}"; sleep 1000`];
        ok(await engine.cli(['run', '--detach', '--name', name, ...engine.runOptions, engine.image, ...program]));
      });
      const list = async () => {
        const { stdout } = ok(await engine.cli(['ps', '--format', '{{.Names}} {{.Status}}']));
        return stdout
          .split('\n')
          .filter((line) => names.includes(line.split(' ')[0] ?? '') && / Up /.test(` ${line} `));
      };
      assert.equal((await list()).length, MANY);
      for (const name of names.filter((_, index) => index % 10 === 0)) {
        await engine.waitForLogs(name, new RegExp(`^number \\d+ of ${name}$`, 'm'));
      }
      ok(await engine.remove(names));
      assert.equal((await list()).length, 0);
    });
  });
}
