import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unsupportedResources } from './resources.ts';

const pointers = (resources: object | undefined) => unsupportedResources(resources).map((problem) => problem.pointer);

test('device rules alone ask for nothing that is not supported', () => {
  assert.deepEqual(pointers({ devices: [{ allow: false, access: 'rwm' }] }), []);
  assert.deepEqual(pointers(undefined), []);
});

test('each field that is not supported is refused by name', () => {
  const resources = {
    memory: { limit: 1, swap: 2 },
    pids: { limit: 42 },
    hugepageLimits: [{ pageSize: '2MB', limit: 1 }],
    unified: { 'memory.max': '1', 'a/b~': '2' },
  };
  assert.deepEqual(pointers(resources), [
    '/linux/resources/memory/limit',
    '/linux/resources/memory/swap',
    '/linux/resources/pids/limit',
    '/linux/resources/hugepageLimits',
    '/linux/resources/unified/memory.max',
    '/linux/resources/unified/a~1b~0',
  ]);
  assert.equal(unsupportedResources(resources)[0]?.message, 'linux.resources.memory.limit is not supported yet');
});

test('empty objects and arrays, and the zeros that engines write for "not set", ask for nothing', () => {
  const resources = {
    memory: { disableOOMKiller: false },
    cpu: { shares: 0 },
    blockIO: { weight: 0, throttleReadBpsDevice: [] },
    hugepageLimits: [],
    unified: {},
    network: {},
    rdma: null,
  };
  assert.deepEqual(pointers(resources), []);
});

test('a property that the specification does not know is ignored', () => {
  assert.deepEqual(pointers({ teleport: { limit: 1 } }), []);
});
