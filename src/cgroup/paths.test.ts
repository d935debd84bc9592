import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CgroupHost } from './host.ts';
import { planCgroups } from './paths.ts';
import { runtError } from './test-support.ts';

const host: CgroupHost = {
  mode: 'hybrid',
  hierarchies: [
    { version: 1, controllers: 'cpu,cpuacct', mountPoint: '/sys/fs/cgroup/cpu,cpuacct', own: '/own/cpu' },
    { version: 1, controllers: 'name=systemd', mountPoint: '/sys/fs/cgroup/systemd', own: '' },
    { version: 2, controllers: '', mountPoint: '/sys/fs/cgroup/unified', own: '/own' },
  ],
};

const places = (cgroupsPath?: string) => planCgroups(host, { cgroupsPath, id: 'box' }).map((cgroup) => cgroup.path);

test("an absolute path is taken from each hierarchy's mount point", () => {
  assert.deepEqual(places('/docker/abc'), [
    '/sys/fs/cgroup/cpu,cpuacct/docker/abc',
    '/sys/fs/cgroup/systemd/docker/abc',
    '/sys/fs/cgroup/unified/docker/abc',
  ]);
});

test("a relative path is taken from the caller's own cgroup in each hierarchy", () => {
  assert.deepEqual(places('pods/abc'), [
    '/sys/fs/cgroup/cpu,cpuacct/own/cpu/pods/abc',
    '/sys/fs/cgroup/systemd/pods/abc',
    '/sys/fs/cgroup/unified/own/pods/abc',
  ]);
});

test("without a path the container's id is one below the caller's own cgroup", () => {
  const expected = [
    '/sys/fs/cgroup/cpu,cpuacct/own/cpu/box',
    '/sys/fs/cgroup/systemd/box',
    '/sys/fs/cgroup/unified/own/box',
  ];
  assert.deepEqual(places(), expected);
  assert.deepEqual(places(''), expected);
});

test('empty and "." components do not count', () => {
  assert.deepEqual(places('//a/./b//'), places('/a/b'));
});

test('a path with ".." is refused, even where it would stay inside', () => {
  for (const path of ['..', '../x', '/..', '/../x', 'a/../b', 'a/b/..'])
    assert.throws(() => places(path), runtError('config', /contains "\.\."/, '/linux/cgroupsPath'), path);
  assert.equal(places('/a/..b').length, 3);
});

test('a path with a NUL byte or a line break is refused', () => {
  for (const path of ['/a\0b', '/a\nb'])
    assert.throws(() => places(path), runtError('config', /NUL byte or a line break/, '/linux/cgroupsPath'));
});

test('a path that the kernel could not have is refused, and not the file that it would break', () => {
  const refused = (path: string) =>
    assert.throws(() => places(path), runtError('config', /bytes/, '/linux/cgroupsPath'), path);
  refused(`/${'a'.repeat(256)}`);
  refused(`/x/${'ä'.repeat(128)}`);
  refused('/a'.repeat(1800));
  assert.equal(places(`/${'a'.repeat(255)}`).length, 3);
  assert.equal(places('/a'.repeat(1700)).length, 3);
});

test('the root is refused: the processes of the host are in it', () => {
  for (const path of ['/', '.', '//', './.'])
    assert.throws(() => places(path), runtError('config', /is the root/, '/linux/cgroupsPath'), path);
});

test("systemd's form slice:prefix:name is refused, while a path may hold colons", () => {
  for (const path of ['system.slice:runt:box', ':runt:box'])
    assert.throws(() => places(path), runtError('config', /slice:prefix:name/, '/linux/cgroupsPath'), path);
  assert.equal(places('/system.slice:runt:box').length, 3);
});

test("a relative path is refused where the caller's own cgroup can't be seen", () => {
  const outside: CgroupHost = {
    mode: 'v2',
    hierarchies: [{ version: 2, controllers: '', mountPoint: '/sys/fs/cgroup', own: null }],
  };
  assert.throws(
    () => planCgroups(outside, { id: 'box' }),
    runtError('cgroup', /outside of what is mounted/, '/linux/cgroupsPath'),
  );
  assert.equal(planCgroups(outside, { id: 'box', cgroupsPath: '/x' })[0]?.path, '/sys/fs/cgroup/x');
});

// cgroups(7), "No internal processes": the caller's own cgroup has one, and could not hand controllers down.
test("where v2 is alone, a relative path is taken from the cgroup above the caller's own", () => {
  const on = (own: string): CgroupHost => ({
    mode: 'v2',
    hierarchies: [{ version: 2, controllers: '', mountPoint: '/sys/fs/cgroup', own }],
  });
  const path = (own: string, cgroupsPath?: string) => planCgroups(on(own), { cgroupsPath, id: 'box' })[0]?.path;
  assert.equal(path('/system.slice/docker.service'), '/sys/fs/cgroup/system.slice/box');
  assert.equal(path('/system.slice/docker.service', 'pods/abc'), '/sys/fs/cgroup/system.slice/pods/abc');
  assert.equal(path('/init'), '/sys/fs/cgroup/box');
  assert.equal(path(''), '/sys/fs/cgroup/box');
  assert.equal(path('/a/b', '/pods/abc'), '/sys/fs/cgroup/pods/abc');
});
