import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasLimits } from './has-limits.ts';

test('devices, empty sections and the values by which engines say "not set" ask for no limit', () => {
  assert.equal(hasLimits(undefined), false);
  const asksForNothing = {
    devices: [{ allow: false }],
    memory: { disableOOMKiller: false },
    cpu: { shares: 0 },
    blockIO: { weight: 0, throttleReadBpsDevice: [] },
    hugepageLimits: [],
    network: {},
    unified: {},
  };
  assert.equal(hasLimits(asksForNothing), false);
});

test('any other value does, also where it is 0', () => {
  for (const resources of [
    { pids: { limit: 0 } },
    { memory: { swappiness: 0 } },
    { memory: { useHierarchy: false } },
    { cpu: { idle: 0 } },
    { hugepageLimits: [{ pageSize: '2MB', limit: 0 }] },
    { unified: { 'cpu.weight': '' } },
  ])
    assert.equal(hasLimits(resources), true, JSON.stringify(resources));
});
