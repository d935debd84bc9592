import assert from 'node:assert/strict';
import { test } from 'node:test';
import { spareLauncher } from './limits.ts';
import { resourceWrites } from './resources/index.ts';

function spared(resources: Parameters<typeof resourceWrites>[0]): { now: string[]; later: string[] } {
  const writes = resourceWrites(resources, { versionOf: () => 2, isUnified: true });
  const { now, later } = spareLauncher({ writes, warnings: [] });
  const text = (list: typeof writes) => list.map(({ file, value }) => `${file} ${value}`);
  return { now: text(now.writes), later: text(later) };
}

test('a limit of one process is set when the launcher has ended, others before init is there', () => {
  assert.deepEqual(spared({ pids: { limit: 1 }, cpu: { idle: 1 } }), { now: ['cpu.idle 1'], later: ['pids.max 1'] });
  assert.deepEqual(spared({ pids: { limit: 0 } }), { now: [], later: ['pids.max 1'] });
  assert.deepEqual(spared({ pids: { limit: 2 } }), { now: ['pids.max 2'], later: [] });
  assert.deepEqual(spared({ pids: { limit: -1 } }), { now: ['pids.max max'], later: [] });
});

test('of two limits of processes the last one counts', () => {
  const one = { unified: { 'pids.max': '1' } };
  assert.deepEqual(spared({ pids: { limit: 42 }, ...one }), { now: [], later: ['pids.max 1'] });
  const more = { unified: { 'pids.max': '17' } };
  assert.deepEqual(spared({ pids: { limit: 1 }, ...more }), { now: ['pids.max 1', 'pids.max 17'], later: [] });
});
