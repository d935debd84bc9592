import assert from 'node:assert/strict';
import { test } from 'node:test';
import { affectedResources, completeChange, mergeResources } from './resource-change.ts';

test('a change wins field by field, and devices are matched by number', () => {
  const before = {
    memory: { limit: 1, swap: 2 },
    pids: { limit: 5 },
    blockIO: { weight: 10, throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 1 }] },
    devices: [{ allow: false }],
  };
  const change = {
    memory: { limit: 3 },
    cpu: { shares: 2 },
    blockIO: {
      throttleReadBpsDevice: [
        { major: 8, minor: 16, rate: 2 },
        { major: 8, minor: 0, rate: 7 },
      ],
    },
  };
  assert.deepEqual(mergeResources(before, change), {
    memory: { limit: 3, swap: 2 },
    pids: { limit: 5 },
    cpu: { shares: 2 },
    blockIO: {
      weight: 10,
      throttleReadBpsDevice: [
        { major: 8, minor: 0, rate: 7 },
        { major: 8, minor: 16, rate: 2 },
      ],
    },
    devices: [{ allow: false }],
  });
  assert.deepEqual(before.memory, { limit: 1, swap: 2 });
});

test('only what changes is written, with what shares a meaning with it', () => {
  const before = { memory: { limit: 100, swap: 300 }, cpu: { quota: 5, period: 10, shares: 7 }, pids: { limit: 5 } };
  assert.deepEqual(affectedResources(before, { memory: { limit: 50 } }), { memory: { limit: 50, swap: 300 } });
  assert.deepEqual(affectedResources(before, { memory: { swap: 400 } }), { memory: { limit: 100, swap: 400 } });
  assert.deepEqual(affectedResources(before, { memory: { reservation: 4 } }), { memory: { reservation: 4 } });
  assert.deepEqual(affectedResources(before, { cpu: { quota: 6 } }), { cpu: { quota: 6, period: 10 } });
  assert.deepEqual(affectedResources(before, { cpu: { period: 20 } }), { cpu: { period: 20, quota: 5 } });
  assert.deepEqual(affectedResources(before, { cpu: { idle: 1 } }), { cpu: { idle: 1 } });
});

test('memory without a limit takes the limit of memory and swap away, unless one is given', () => {
  assert.deepEqual(completeChange({ memory: { limit: -1 } }), { memory: { limit: -1, swap: 0 } });
  assert.deepEqual(completeChange({ memory: { limit: -1, swap: 5 } }), { memory: { limit: -1, swap: 5 } });
  assert.deepEqual(completeChange({ pids: { limit: 1 } }), { pids: { limit: 1 } });
});
