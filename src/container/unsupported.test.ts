import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RuntError } from '../error.ts';
import { defaultConfig } from '../spec/default-config.ts';
import type { Config } from '../spec/generated/types.ts';
import { refuseUnsupported, unsupportedFields } from './unsupported.ts';

const plain: Config = defaultConfig({ rootless: false });

function pointers(change: object): (string | undefined)[] {
  return unsupportedFields({ ...plain, ...change } as Config).map(({ pointer }) => pointer);
}

test('the config of spec asks for nothing that is not supported', () => {
  assert.deepEqual(unsupportedFields(plain), []);
});

const process = (change: object) => ({ process: { ...plain.process, ...change } });
const linux = (change: object) => ({ linux: change });
const mount = (change: object) => ({ mounts: [{ destination: '/a', type: 'bind', source: '/a', ...change }] });
const ids = [{ containerID: 0, hostID: 1000, size: 1 }];

/** All that belongs to later versions, a line each: goes from here when it goes from unsupported.ts. */
const LATER: readonly (readonly [pointer: string, change: object])[] = [
  ['/process/apparmorProfile', process({ apparmorProfile: 'p' })],
  ['/process/selinuxLabel', process({ selinuxLabel: 'a:b:c:d' })],
  ['/process/scheduler', process({ scheduler: { policy: 'SCHED_BATCH' } })],
  ['/process/ioPriority', process({ ioPriority: { class: 'IOPRIO_CLASS_IDLE' } })],
  ['/linux/timeOffsets', linux({ timeOffsets: { boottime: { secs: 1 } } })],
  ['/linux/netDevices', linux({ netDevices: { eth0: {} } })],
  ['/linux/mountLabel', linux({ mountLabel: 'a:b:c:d' })],
  ['/linux/intelRdt', linux({ intelRdt: { closID: 'x' } })],
  ['/linux/memoryPolicy', linux({ memoryPolicy: { mode: 'MPOL_LOCAL' } })],
  ['/linux/personality', linux({ personality: { domain: 'LINUX' } })],
  ['/linux/namespaces/0', linux({ namespaces: [{ type: 'time' }] })],
  ['/mounts/0/uidMappings', mount({ uidMappings: ids })],
  ['/mounts/0/gidMappings', mount({ gidMappings: ids })],
  ['/mounts/0/options/1', mount({ options: ['rbind', 'idmap'] })],
  ['/mounts/0/options/0', mount({ options: ['ridmap'] })],
];

for (const [pointer, change] of LATER)
  test(`${pointer} is refused by its name`, () => {
    assert.deepEqual(pointers(change), [pointer]);
    assert.throws(
      () => refuseUnsupported({ ...plain, ...change } as Config),
      (error) =>
        error instanceof RuntError && error.problem.code === 'unsupported' && error.problem.pointer === pointer,
    );
  });

test('tmpcopyup is an option of a tmpfs, and of nothing else', () => {
  const options = ['ro', 'tmpcopyup'];
  assert.deepEqual(pointers(mount({ type: 'tmpfs', options })), []);
  assert.deepEqual(pointers(mount({ type: 'bind', options })), ['/mounts/0/options/1']);
  assert.deepEqual(pointers(mount({ type: 'proc', options })), ['/mounts/0/options/1']);
});

test('what asks for nothing is let through: empty objects, lists and words', () => {
  assert.deepEqual(pointers({ linux: { timeOffsets: {}, mountLabel: '', resources: {} } }), []);
});

test('all are named, the first in the message', () => {
  assert.throws(
    () => refuseUnsupported({ ...plain, linux: { mountLabel: 'l', intelRdt: { closID: 'x' } } } as Config),
    (error) =>
      error instanceof RuntError && error.problem.code === 'unsupported' && error.problem.details?.length === 1,
  );
});
