import assert from 'node:assert/strict';
import { test } from 'node:test';
import { affectedResources, completeChange, endIdleness, mergeResources } from './resource-change.ts';

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

test('for systemd a weight ends idleness, and what is idle no more has a weight', () => {
  const idle = { cpu: { shares: 200, idle: 1 } };
  assert.deepEqual(endIdleness(idle, { cpu: { shares: 300 } }), { cpu: { shares: 300, idle: 0 } });
  assert.deepEqual(endIdleness(idle, { cpu: { idle: 0 } }), { cpu: { shares: 200, idle: 0 } });
  assert.deepEqual(endIdleness({ cpu: { idle: 1 } }, { cpu: { idle: 0 } }), { cpu: { shares: 1024, idle: 0 } });
  const unified = { unified: { 'cpu.idle': '1', 'cpu.weight': '8' } };
  assert.deepEqual(endIdleness(unified, { unified: { 'cpu.weight': '9' } }), {
    cpu: { idle: 0 },
    unified: { 'cpu.idle': '0', 'cpu.weight': '9' },
  });
  assert.deepEqual(endIdleness(unified, { unified: { 'cpu.idle': '0' } }), {
    cpu: { shares: 1024, idle: 0 },
    unified: { 'cpu.idle': '0', 'cpu.weight': '8' },
  });
  for (const other of [{ cpu: { period: 5000 } }, { cpu: { idle: 1 } }, { unified: { 'pids.max': '5' } }])
    assert.equal(endIdleness(idle, other), other);
  const weight = { cpu: { shares: 300 } };
  assert.equal(endIdleness({ cpu: { shares: 200 } }, weight), weight);
});
