import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RuntError } from '../error.ts';
import type { PreparedMount } from '../init/inputs.ts';
import { type Cover, copySource, dataOnHost, isGiven, placeOf, refuseCopy } from './copy-up-source.ts';

const links: Readonly<Record<string, string>> = {
  '/var/run': '/run',
  '/up': '../../../run/./inner',
  '/relative': 'var/run',
  '/one': 'two',
  '/two': 'one',
  '/data/link': '/run',
};
const readLink = (path: string): string | undefined => links[path];

const tree = { fd: 9, text: 'tree' };
const at = { destination: '', present: 0 };
const binding: PreparedMount = { ...at, kind: 'bind', tree, isDirectory: true };
const copying: PreparedMount = { ...at, kind: 'copyUp', tree };
const filesystem = (type: string): PreparedMount => ({ ...at, kind: 'filesystem', type });
const cover = (place: string, mount: PreparedMount): Cover => ({ place, mount });

test('links of the image are followed as the kernel would, and never above the root', () => {
  assert.equal(placeOf('/var/run/lock', [], readLink), '/run/lock');
  assert.equal(placeOf('/up/x', [], readLink), '/run/inner/x');
  assert.equal(placeOf('/relative', [], readLink), '/run');
  assert.equal(placeOf('/missing/../run', [], readLink), '/run');
  assert.equal(placeOf('/', [], readLink), '/');
});

test('links that lead round and round end', () => {
  assert.equal(placeOf('/one/x', [], readLink), '/one/x');
});

test('what an earlier mount covers has no links of the image any more', () => {
  assert.equal(placeOf('/data/link/x', [], readLink), '/run/x');
  assert.equal(placeOf('/data/link/x', [cover('/data', binding)], readLink), '/data/link/x');
  assert.equal(placeOf('/var/run/x', [cover('/run', binding)], readLink), '/run/x');
});

test('without a mount before it the image is copied', () => {
  assert.deepEqual(copySource('/run', []), { from: 'image', path: '/run' });
  assert.deepEqual(copySource('/run', [cover('/running', binding), cover('/dev', filesystem('tmpfs'))]), {
    from: 'image',
    path: '/run',
  });
});

test('a bind mount and a copy are copied from, the last of several', () => {
  assert.deepEqual(copySource('/a/b', [cover('/a', binding)]), { from: 'mount', index: 0, path: 'b' });
  assert.deepEqual(copySource('/a', [cover('/a', copying)]), { from: 'mount', index: 0, path: '' });
  const nested = [cover('/a', binding), cover('/a/b', copying), cover('/c', binding)];
  assert.deepEqual(copySource('/a/b/c/d', nested), { from: 'mount', index: 1, path: 'c/d' });
  // The later one on /a hides the other.
  const hidden = [cover('/a/b', copying), cover('/a', binding)];
  assert.deepEqual(copySource('/a/b/c', hidden), { from: 'mount', index: 1, path: 'b/c' });
});

test('below a new tmpfs there is nothing', () => {
  assert.deepEqual(copySource('/dev/shm', [cover('/dev', filesystem('tmpfs'))]), { from: 'nothing' });
});

test('what can not be copied as it will be is told by the mount that is in the way', () => {
  const reason = (place: string, earlier: Cover[]): string => {
    const source = copySource(place, earlier);
    return source.from === 'unknown' ? source.reason : source.from;
  };
  assert.match(reason('/run', [cover('/run', filesystem('tmpfs'))]), /"\/run" covers/);
  assert.match(reason('/sys/kernel', [cover('/sys', filesystem('sysfs'))]), /"\/sys" covers/);
  assert.match(reason('/x/y', [cover('/x', { ...at, kind: 'cgroup2' })]), /"\/x" covers/);
  assert.match(reason('/run', [cover('/run/lock', binding)]), /"\/run\/lock" would have to be copied/);
  // One that is hidden by now is in nobody's way.
  assert.equal(reason('/run', [cover('/run/lock', filesystem('proc')), cover('/run', binding)]), 'mount');
});

test('ids of the options become those of the host', () => {
  const unmapped = (option: string): never => {
    throw new Error(option);
  };
  const plus = (key: string, id: number) => (id < 10 ? id + (key === 'uid' ? 100 : 200) : undefined);
  const data = ['size=1m', 'uid=1', 'gid=2', 'mode=700', 'sync'];
  assert.deepEqual(dataOnHost(data, plus, unmapped), ['size=1m', 'uid=101', 'gid=202', 'mode=700', 'sync']);
  assert.throws(() => dataOnHost(['gid=10'], plus, unmapped), /gid=10/);
  // Not an id: the kernel says so.
  assert.deepEqual(dataOnHost(['uid=x'], plus, unmapped), ['uid=x']);
});

test('mode, uid and gid are given or not', () => {
  assert.equal(isGiven(['size=1m', 'mode=700'], 'mode'), true);
  assert.equal(isGiven(['size=1m', 'mode=700'], 'uid'), false);
});

test('a refusal points to the option', () => {
  const mount = { destination: '/a', type: 'tmpfs', options: ['ro', 'tmpcopyup'] };
  assert.throws(
    () => refuseCopy({ mount, index: 3, destination: '/a' }, 'so'),
    (error) => error instanceof RuntError && error.problem.pointer === '/mounts/3/options/1',
  );
});

test('a mount on the root covers all of the image', () => {
  assert.deepEqual(copySource('/etc', [cover('/', filesystem('tmpfs'))]), { from: 'nothing' });
  assert.deepEqual(copySource('/etc/x', [cover('/', binding)]), { from: 'mount', index: 0, path: 'etc/x' });
  assert.deepEqual(copySource('/etc', [cover('/etc', binding), cover('/', filesystem('tmpfs'))]), { from: 'nothing' });
  assert.equal(copySource('/', [cover('/proc', filesystem('proc'))]).from, 'unknown');
  assert.deepEqual(copySource('/', []), { from: 'image', path: '/' });
  assert.equal(placeOf('/var/run/x', [cover('/', binding)], readLink), '/var/run/x');
});
