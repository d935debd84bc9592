import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RuntError } from '../error.ts';
import type { Config, Mount } from '../spec/generated/types.ts';
import { createIdMaps, type IdMapsOptions, type MountMappings } from './mapped-mounts.ts';

const range = (containerID: number, hostID: number) => [{ containerID, hostID, size: 10 }];
const own = { uidMappings: range(0, 100), gidMappings: range(0, 200) };
const bind = (change: Partial<Mount> = {}): Mount => ({
  destination: '/a',
  source: '/nowhere',
  options: ['rbind', 'idmap'],
  ...change,
});
const users = { uidMappings: range(0, 7000), gidMappings: range(0, 8000) };
const root = { kind: 'created', isCallerRoot: true } as const;

/** The namespaces that are made for the mounts, and which mount uses which. */
function mapped(mounts: readonly Mount[], change: Partial<IdMapsOptions> = {}) {
  const made: MountMappings[] = [];
  const maps = createIdMaps({
    config: { ociVersion: '1.3.0', linux: users } as Config,
    makeNamespace: (mappings) => ({ fd: 40 + made.push(mappings), text: 'ids' }),
    user: undefined,
    joined: undefined,
    ...change,
  });
  const list = mounts.map((mount, index) =>
    maps.of(mount, index, {
      kind: mount.source === undefined ? 'filesystem' : mount.source === '/inner' ? 'innerBind' : 'bind',
      destination: '/a',
      ...(mount.source === undefined ? {} : { source: mount.source }),
    }),
  );
  return { made, list };
}

function problem(mount: Mount, change: Partial<IdMapsOptions>) {
  try {
    mapped([mount], change);
  } catch (error) {
    if (error instanceof RuntError) return error.problem;
    throw error;
  }
  return assert.fail('it was accepted');
}

test('a mount that asks for nothing has the ids that it has', () => {
  const { made, list } = mapped([bind({ options: ['rbind'] })]);
  assert.deepEqual([made, list], [[], [undefined]]);
});

test('one namespace serves all mounts with the same mappings', () => {
  const { made, list } = mapped([bind(own), bind(), bind({ ...own, options: ['rbind', 'ridmap'] })]);
  assert.deepEqual(
    list.map((map) => [map?.users.fd, map?.recursive]),
    [
      [41, false],
      [42, false],
      [41, true],
    ],
  );
  assert.deepEqual(
    made.map(({ uidMappings, pointers }) => [uidMappings[0]?.hostID, pointers.uid]),
    [
      [100, '/mounts/0/uidMappings'],
      [7000, '/linux/uidMappings'],
    ],
  );
});

test('of a namespace that is joined its own mappings hold, but for a mount that has some', () => {
  const { made, list } = mapped([bind(), bind(own)], { user: root, joined: { fd: 9, text: 'joined' } });
  assert.deepEqual(
    list.map((map) => map?.users.fd),
    [9, 41],
  );
  assert.equal(made.length, 1);
});

test('of a source that only the container has the runtime maps the ids, where init has no right to', () => {
  const mounts = [bind(own), bind({ ...own, source: '/inner' })];
  const byRuntime = (change: Partial<IdMapsOptions>) => mapped(mounts, change).list.map((map) => map?.byRuntime);
  assert.deepEqual(byRuntime({ user: root }), [undefined, true]);
  assert.deepEqual(byRuntime({}), [undefined, undefined]);
});

test('what can not be is refused, with the field', () => {
  assert.match(
    problem(bind(own), { user: { kind: 'created', isCallerRoot: false } }).message,
    /not supported for rootless containers/,
  );
  const tmpfs = { destination: '/a', type: 'tmpfs', options: ['noexec', 'idmap'] };
  assert.equal(problem(tmpfs, { user: root }).pointer, '/mounts/0/options/1');
  assert.match(problem({ ...tmpfs, type: 'cgroup' }, {}).message, /cgroup/);
});
