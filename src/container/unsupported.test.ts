import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RuntError } from '../error.ts';
import { defaultConfig } from '../spec/default-config.ts';
import type { Config } from '../spec/generated/types.ts';
import { refuseUnsupported, unsupportedFields } from './unsupported.ts';

const base = defaultConfig({ rootless: false });
const plain: Config = {
  ...base,
  ...(base.process === undefined ? {} : { process: { ...base.process, terminal: false } }),
};

function pointers(change: object): (string | undefined)[] {
  return unsupportedFields({ ...plain, ...change } as Config).map(({ pointer }) => pointer);
}

test('the config of spec, with the terminal off, asks for nothing that is not supported', () => {
  assert.deepEqual(unsupportedFields(plain), []);
});

test('each field of a later version is refused by its name', () => {
  assert.deepEqual(
    unsupportedFields(base).map(({ pointer }) => pointer),
    ['/process/terminal'],
  );
  assert.deepEqual(pointers({ process: { ...plain.process, apparmorProfile: 'p' } }), ['/process/apparmorProfile']);
  assert.deepEqual(pointers({ linux: { seccomp: { defaultAction: 'SCMP_ACT_ALLOW' } } }), ['/linux/seccomp']);
  assert.deepEqual(pointers({ linux: { namespaces: [{ type: 'time' }] } }), ['/linux/namespaces/0']);
  assert.deepEqual(pointers({ linux: { resources: { memory: { limit: 1 } } } }), ['/linux/resources/memory/limit']);
  assert.deepEqual(pointers({ mounts: [{ destination: '/a', type: 'tmpfs', options: ['ro', 'tmpcopyup'] }] }), [
    '/mounts/0/options/1',
  ]);
});

test('what asks for nothing is let through: empty objects, lists and words', () => {
  assert.deepEqual(pointers({ linux: { seccomp: undefined, timeOffsets: {}, mountLabel: '', resources: {} } }), []);
});

test('all are named, the first in the message', () => {
  assert.throws(
    () => refuseUnsupported({ ...plain, linux: { mountLabel: 'l', intelRdt: { closID: 'x' } } } as Config),
    (error) =>
      error instanceof RuntError && error.problem.code === 'unsupported' && error.problem.details?.length === 1,
  );
});
