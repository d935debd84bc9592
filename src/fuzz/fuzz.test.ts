// Configs changed at random through validate and plan; `npm run fuzz` does more of it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configPlaces } from '../spec/schema-tree.ts';
import { BASES } from './bases.ts';
import { fuzz } from './main.ts';
import { holds } from './property.ts';
import { writeConfig } from './values.ts';

test('the configs to begin with are valid, and planned', async () => {
  for (const base of BASES) {
    const verdicts: string[] = [];
    // The length of the text decides how it is looked at (property.ts).
    for (const blanks of ['', ' ', '  ', '   ']) verdicts.push(await holds(writeConfig(base) + blanks));
    assert.ok(!verdicts.includes('invalid'), verdicts.join());
    // But for the one that asks for limits of both kinds of control groups.
    if (!JSON.stringify(base).includes('rdma')) assert.ok(verdicts.includes('planned'), verdicts.join());
  }
});

test('no config that is changed at random crashes validate or plan, or is told other things by them', async () => {
  const counts = await fuzz({ runs: 1500, seed: 1 });
  // Each kind must be there, or the property says little.
  for (const [verdict, count] of Object.entries(counts)) assert.ok(count > 150, `${count} are ${verdict}`);
});

test('every place of the schemas that concerns Linux can be changed', () => {
  const places = configPlaces().map(({ pattern }) => pattern);
  assert.ok(places.includes('/linux/seccomp/syscalls/*/args/*/value'));
  assert.ok(places.includes('/process/scheduler/policy'));
  assert.ok(places.length > 250, `${places.length}`);
});
