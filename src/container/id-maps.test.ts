import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RuntError } from '../error.ts';
import type { Config } from '../spec/generated/types.ts';
import { isSameMap, mapText, needsTool, parseMap } from './id-maps.ts';
import { hostId, userNamespaceOf } from './user-namespace.ts';

const range = (containerID: number, hostID: number, size: number) => ({ containerID, hostID, size });
const somebody = { uid: 1000, gid: 100 };

test('a user writes the map of the own id alone; for any other there are the tools', () => {
  assert.equal(needsTool('uid', [range(0, 1000, 1)], somebody), false);
  assert.equal(needsTool('uid', [range(5, 1000, 1)], somebody), false);
  assert.equal(needsTool('gid', [range(0, 100, 1)], somebody), false);
  assert.equal(needsTool('gid', [range(0, 1000, 1)], somebody), true);
  assert.equal(needsTool('uid', [range(0, 1000, 2)], somebody), true);
  assert.equal(needsTool('uid', [range(0, 1000, 1), range(1, 5000, 1)], somebody), true);
  assert.equal(needsTool('uid', [range(0, 5000, 9)], { uid: 0, gid: 0 }), false);
});

test('maps are text as the kernel takes it, and are compared as it shows them', () => {
  const map = [range(0, 1000, 1), range(1, 200000, 65536)];
  assert.equal(mapText(map), '0 1000 1\n1 200000 65536\n');
  const shown = '         1     200000      65536\n         0       1000          1\n';
  assert.equal(isSameMap(parseMap(shown), map), true);
  assert.equal(isSameMap(parseMap('0 1000 1\n'), map), false);
  assert.equal(isSameMap(parseMap('0 1000 1\n1 200000 65535\n'), map), false);
});

test('an id of the container is one of the host, or none', () => {
  const map = [range(0, 1000, 1), range(10, 200000, 5)];
  assert.equal(hostId(map, 0), 1000);
  assert.equal(hostId(map, 14), 200004);
  assert.equal(hostId(map, 1), undefined);
  assert.equal(hostId(map, 15), undefined);
});

const configOf = (linux: object, user?: object): Config =>
  ({ ociVersion: '1.3.0', process: { cwd: '/', args: ['a'], user }, linux }) as unknown as Config;
const own = { namespaces: [{ type: 'user' }], uidMappings: [range(0, 1000, 1)], gidMappings: [range(0, 100, 1)] };

test('CVE-2014-8989: setgroups is denied where a user maps the own group alone, and groups are refused then', () => {
  assert.equal(userNamespaceOf(configOf(own), somebody).setgroups, 'deny');
  assert.equal(userNamespaceOf(configOf(own), { uid: 0, gid: 0 }).setgroups, 'allow');
  assert.throws(
    () => userNamespaceOf(configOf(own, { additionalGids: [4] }), somebody),
    (error) => error instanceof RuntError && error.problem.pointer === '/process/user/additionalGids',
  );
});

test('a caller without privileges needs a user namespace', () => {
  assert.throws(
    () => userNamespaceOf(configOf({ namespaces: [{ type: 'pid' }] }), somebody),
    /requires user namespaces/,
  );
  assert.equal(userNamespaceOf(configOf({ namespaces: [] }), { uid: 0, gid: 0 }).kind, 'inherited');
});

test('a path has no mappings beside it but those that the namespace has', () => {
  const path = `/proc/${process.pid}/ns/user`;
  const of = (uidMappings: unknown) => configOf({ namespaces: [{ type: 'user', path }], uidMappings });
  const root = { uid: 0, gid: 0 };
  assert.throws(() => userNamespaceOf(of([range(0, 77, 1)]), root), /non-matching mapping/);
  const actual = userNamespaceOf(of([]), root);
  assert.equal(actual.kind, 'joined');
  assert.equal(userNamespaceOf(of(actual.uidMappings), root).kind, 'joined');
  const other = configOf({ namespaces: [{ type: 'user', path: '/some/file' }], uidMappings: [range(0, 77, 1)] });
  assert.throws(() => userNamespaceOf(other, root), /can't be looked up/);
});

test('the root of the container is somebody on the host', () => {
  const { uidMappings, gidMappings } = userNamespaceOf(configOf(own), somebody);
  assert.deepEqual({ uid: hostId(uidMappings, 0), gid: hostId(gidMappings, 0) }, { uid: 1000, gid: 100 });
});
