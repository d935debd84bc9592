// For the tests of this directory.

import type { ContainerRecord } from './store.ts';

export function recordOf(change: Partial<ContainerRecord> = {}): ContainerRecord {
  return {
    version: 1,
    id: 'a',
    bundle: '/bundle',
    rootfs: '/bundle/rootfs',
    ociVersion: '1.3.0',
    annotations: {},
    created: '2026-01-01T00:00:00.000Z',
    owner: 'root',
    creator: { pid: 1, startTime: 0 },
    ready: true,
    cgroups: { cgroups: [] },
    hasProcess: true,
    newKeyring: true,
    ownPidNamespace: true,
    poststart: [],
    poststop: [],
    startSteps: [],
    ...change,
  };
}
