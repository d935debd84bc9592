import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { detectCgroups, parseCgroupMounts, parseMemberships } from './host.ts';
import { needsRoot } from './test-support.ts';

test('a membership is read with its controllers and its path, colons in the path included', () => {
  assert.deepEqual(parseMemberships('12:cpu,cpuacct:/a:b\n1:name=systemd:/\n0::/user.slice\n'), [
    { version: 1, controllers: 'cpu,cpuacct', path: '/a:b' },
    { version: 1, controllers: 'name=systemd', path: '/' },
    { version: 2, controllers: '', path: '/user.slice' },
  ]);
});

test('mounts of cgroupfs are told from all others, whatever optional fields and escapes they have', () => {
  const text = [
    '22 27 0:21 / /proc rw,relatime - proc proc rw',
    '33 31 0:30 /docker/x /sys/fs/cgroup/cpu\\040set rw shared:7 master:2 - cgroup cgroup rw,cpuacct,cpu',
    '41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw,nsdelegate',
    '42 31 0:39 / /cgroup rw - tmpfs cgroup rw',
  ].join('\n');
  assert.deepEqual(parseCgroupMounts(text), [
    { version: 1, root: '/docker/x', mountPoint: '/sys/fs/cgroup/cpu set', options: ['rw', 'cpuacct', 'cpu'] },
    { version: 2, root: '/', mountPoint: '/sys/fs/cgroup/unified', options: ['rw', 'nsdelegate'] },
  ]);
});

test('the hierarchies found without mountinfo are those that mountinfo lists', { skip: needsRoot }, () => {
  const mounts = parseCgroupMounts(readFileSync('/proc/self/mountinfo', 'utf8'));
  const { mode, hierarchies } = detectCgroups();
  for (const { version, mountPoint, controllers } of hierarchies) {
    const mount = mounts.find((mount) => mount.mountPoint === mountPoint);
    assert.equal(mount?.version, version, mountPoint);
    if (version === 1) for (const name of controllers.split(',')) assert.ok(mount?.options.includes(name), mountPoint);
  }
  const versions = new Set(hierarchies.map((hierarchy) => hierarchy.version));
  assert.equal(mode, versions.size === 2 ? 'hybrid' : versions.has(1) ? 'v1' : 'v2');
});

test("the caller's own cgroup is found in each hierarchy", { skip: needsRoot }, () => {
  for (const { version, mountPoint, own } of detectCgroups().hierarchies) {
    assert.notEqual(own, null, mountPoint);
    const pids = readFileSync(`${mountPoint}${own}/cgroup.procs`, 'utf8').split('\n').map(Number);
    assert.ok(pids.includes(process.pid), `version ${version}: ${mountPoint}${own}`);
  }
});
