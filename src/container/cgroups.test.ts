import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Config } from '../spec/generated/types.ts';
import { cgroupOwner } from './cgroups.ts';

const mount = { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['nosuid'] };
const config = (change: object = {}): Config => ({
  ociVersion: '1.0.0',
  process: { cwd: '/', user: { uid: 7, gid: 8 } },
  mounts: [mount],
  linux: {
    namespaces: [{ type: 'cgroup' }, { type: 'user' }],
    uidMappings: [{ containerID: 0, hostID: 100000, size: 1000 }],
  },
  ...change,
});

// config-linux.md, "Cgroup ownership"
test('the cgroup goes to the user of the program, as the host sees him', () => {
  assert.equal(cgroupOwner(config()), 100007);
  assert.equal(cgroupOwner(config({ linux: { namespaces: [{ type: 'cgroup' }] } })), 7);
  assert.equal(cgroupOwner(config({ process: { cwd: '/', user: { uid: 5000, gid: 0 } } })), undefined);
});

test('it stays as it is without a cgroup namespace of its own, without a mount of it, or with a read-only one', () => {
  const namespaces = [{ type: 'user' }];
  assert.equal(cgroupOwner(config({ linux: { ...config().linux, namespaces } })), undefined);
  const joined = [{ type: 'cgroup', path: '/proc/1/ns/cgroup' }, { type: 'user' }];
  assert.equal(cgroupOwner(config({ linux: { ...config().linux, namespaces: joined } })), undefined);
  assert.equal(cgroupOwner(config({ mounts: [] })), undefined);
  assert.equal(cgroupOwner(config({ mounts: [{ ...mount, options: ['ro'] }] })), undefined);
});
