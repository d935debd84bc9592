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

test('each field of a later version is refused by its name', () => {
  assert.deepEqual(pointers({ process: { ...plain.process, apparmorProfile: 'p' } }), ['/process/apparmorProfile']);
  assert.deepEqual(pointers({ linux: { namespaces: [{ type: 'time' }] } }), ['/linux/namespaces/0']);
});

test('tmpcopyup is an option of a tmpfs, and of nothing else', () => {
  const mount = (type: string) => ({
    mounts: [{ destination: '/a', type, source: '/a', options: ['ro', 'tmpcopyup'] }],
  });
  assert.deepEqual(pointers(mount('tmpfs')), []);
  assert.deepEqual(pointers(mount('bind')), ['/mounts/0/options/1']);
  assert.deepEqual(pointers(mount('proc')), ['/mounts/0/options/1']);
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
