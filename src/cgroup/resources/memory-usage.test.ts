import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { runtError } from '../test-support.ts';
import { checkMemoryUsage } from './memory-usage.ts';

test('a limit below what is in use is refused where checkBeforeUpdate says so', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'runt-memory-'));
  t.after(() => rmSync(directory, { recursive: true }));
  writeFileSync(join(directory, 'memory.current'), '1000\n');
  const update = (memory: object, checkBeforeUpdate: boolean) =>
    checkMemoryUsage({ memory }, { memory: { ...memory, checkBeforeUpdate } }, directory);
  assert.throws(
    () => update({ limit: 1000 }, true),
    runtError('cgroup', /rejecting memory limit 1000 <= usage 1000/, '/linux/resources/memory/limit'),
  );
  assert.throws(
    () => update({ limit: 2000, swap: 900 }, true),
    runtError('cgroup', /rejecting memory\+swap limit 900/, '/linux/resources/memory/swap'),
  );
  update({ limit: 1001 }, true);
  update({ limit: -1, swap: -1 }, true);
  update({ limit: 10 }, false);
});
