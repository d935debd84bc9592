import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FLAG } from '../front/record.ts';
import type { Config } from '../spec/generated/types.ts';
import { firstRecord } from './first-record.ts';
import { type FrontTraits, frontFlags, isOfFront, plannedTraits, traitsOf } from './front-record.ts';
import type { ContainerRecord } from './store.ts';

const plain = {
  ociVersion: '1.3.0',
  process: { cwd: '/', args: ['sh'] },
  linux: { namespaces: [{ type: 'pid' }] },
} as Config;
const hook = [{ path: '/bin/true' }];
const planned = (change: Partial<Config> = {}, plan = { hasScope: false, notifies: false }): FrontTraits =>
  plannedTraits({ ...plain, ...change }, plan);

test('a plain container is the front’s', () => assert.ok(isOfFront(planned())));

const OTHERS: readonly [string, FrontTraits, bigint][] = [
  ['has nothing to start', planned({ process: { cwd: '/' } }), FLAG.delete | FLAG.kill],
  ['shares its pid namespace', planned({ linux: {} }), FLAG.start],
  ['joins one', planned({ linux: { namespaces: [{ type: 'pid', path: '/proc/1/ns/pid' }] } }), FLAG.start],
  ['has startContainer hooks', planned({ hooks: { startContainer: hook } }), FLAG.delete | FLAG.kill],
  ['has poststart hooks', planned({ hooks: { poststart: hook } }), FLAG.delete | FLAG.kill],
  ['has poststop hooks', planned({ hooks: { poststop: hook } }), FLAG.start | FLAG.kill],
  ['has a scope', planned({}, { hasScope: true, notifies: false }), FLAG.start | FLAG.kill],
  ['notifies', planned({}, { hasScope: false, notifies: true }), FLAG.delete | FLAG.kill],
  ['has a resource class', planned({ linux: { ...plain.linux, intelRdt: {} } }), FLAG.start | FLAG.kill],
];
for (const [what, traits, flags] of OTHERS) {
  test(`one that ${what} is not, or in part`, () => {
    assert.equal(frontFlags(traits), flags);
    assert.equal(isOfFront(traits), false);
  });
}

test('what is told of a config holds for the record that it becomes', () => {
  const about = { id: 'c', bundle: '/b', noNewKeyring: false };
  for (const change of [{}, { hooks: { poststart: hook, poststop: hook } }, { process: { cwd: '/' } }, { linux: {} }]) {
    const record: ContainerRecord = firstRecord(about, { ...plain, ...change }, { cgroups: [] });
    assert.deepEqual(traitsOf(record), planned(change));
  }
});
