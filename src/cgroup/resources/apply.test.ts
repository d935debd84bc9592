import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import type { LinuxResources } from '../../spec/generated/types.ts';
import { controllersIn, versionFinder } from '../controllers.ts';
import { closeHandles, createCgroups } from '../create.ts';
import type { CgroupHost } from '../host.ts';
import { planCgroups } from '../paths.ts';
import { type CgroupRecord, recordCgroups } from '../record.ts';
import { hostWith, runtError, scratch } from '../test-support.ts';
import { applyWrites, type Restoration, restore } from './apply.ts';
import { resourceWrites } from './index.ts';

const { host, skip } = hostWith(1);

function made(context: TestContext): CgroupRecord {
  const on: CgroupHost = host ?? assert.fail();
  const handles = createCgroups(recordCgroups(planCgroups(on, { cgroupsPath: scratch(context, on), id: 'unused' })));
  closeHandles(handles);
  return handles.record;
}

function read(record: CgroupRecord, controller: string, file: string): string {
  const entry = record.cgroups.find(({ controllers }) => controllers.split(',').includes(controller));
  return readFileSync(`${entry?.path}/${file}`, 'utf8').trim();
}

function apply(record: CgroupRecord, resources: LinuxResources): Restoration[] {
  const restorations: Restoration[] = [];
  const entries = record.cgroups;
  const writes = resourceWrites(resources, { ...versionFinder(entries, () => []), isUpdate: true });
  applyWrites(writes, { entries, restorations });
  return restorations;
}

test('what depends on one another is written in the order that the kernel takes, up and down', { skip }, (context) => {
  const record = made(context);
  const MIB = 1024 * 1024;
  for (const [limit, swap] of [
    [10, 20],
    [30, 40],
    [5, 5],
    [15, 15],
  ] as const) {
    apply(record, { memory: { limit: limit * MIB, swap: swap * MIB } });
    assert.equal(read(record, 'memory', 'memory.limit_in_bytes'), `${limit * MIB}`);
    assert.equal(read(record, 'memory', 'memory.memsw.limit_in_bytes'), `${swap * MIB}`);
  }
  for (const [quota, burst] of [
    [50_000, 40_000],
    [10_000, 5_000],
    [60_000, 60_000],
  ] as const) {
    apply(record, { cpu: { quota, burst } });
    assert.equal(read(record, 'cpu', 'cpu.cfs_quota_us'), `${quota}`);
    assert.equal(read(record, 'cpu', 'cpu.cfs_burst_us'), `${burst}`);
  }
  apply(record, { cpu: { shares: 500, idle: 1 } });
  apply(record, { cpu: { shares: 700, idle: 0 } });
  assert.equal(read(record, 'cpu', 'cpu.shares'), '700');
});

test('everything that was written is put back', { skip }, (context) => {
  const record = made(context);
  apply(record, {
    memory: { limit: 10485760, swap: 20971520 },
    cpu: { quota: 50_000, burst: 1_000 },
    pids: { limit: 9 },
  });
  const files = [
    ['memory', 'memory.limit_in_bytes'],
    ['memory', 'memory.memsw.limit_in_bytes'],
    ['memory', 'memory.oom_control'],
    ['memory', 'memory.swappiness'],
    ['cpu', 'cpu.cfs_quota_us'],
    ['cpu', 'cpu.cfs_burst_us'],
    ['cpu', 'cpu.shares'],
    ['pids', 'pids.max'],
    ['blkio', 'blkio.throttle.read_iops_device'],
  ] as const;
  const before = files.map(([controller, file]) => read(record, controller, file));
  const restorations = apply(record, {
    memory: { limit: 41943040, swap: 83886080, disableOOMKiller: true, swappiness: 3 },
    cpu: { quota: 5_000, period: 10_000, burst: 0, shares: 77 },
    pids: { limit: -1 },
  });
  assert.notDeepEqual(
    files.map(([controller, file]) => read(record, controller, file)),
    before,
  );
  assert.deepEqual(restore(restorations), []);
  assert.deepEqual(
    files.map(([controller, file]) => read(record, controller, file)),
    before,
  );
});

test('what the kernel refuses is told with field, file, value and reason', { skip }, (context) => {
  const record = made(context);
  assert.throws(
    () => apply(record, { cpu: { cpus: '4095' } }),
    runtError('cgroup', /^write "4095" to \/.*\/cpuset\.cpus$/, '/linux/resources/cpu/cpus'),
  );
  assert.throws(
    () => apply(record, { cpu: { shares: 1 } }),
    runtError('cgroup', /^the minimum allowed cpu-shares is 2/, '/linux/resources/cpu/shares'),
  );
  assert.throws(
    () => apply(record, { blockIO: { leafWeight: 10 } }),
    runtError(
      'cgroup',
      /^cannot set blkio limit: there is no file .*leaf_weight$/,
      '/linux/resources/blockIO/leafWeight',
    ),
  );
});

const v2 = hostWith(2);

test('a v2 controller that is not handed down is named', { skip: v2.skip }, (context) => {
  const on = v2.host ?? assert.fail();
  // Two levels: the root of the hierarchy may hand everything down, a cgroup that is made here hands down nothing.
  const cgroupsPath = `${scratch(context, on)}/below`;
  const handles = createCgroups(recordCgroups(planCgroups(on, { cgroupsPath, id: 'unused' })));
  closeHandles(handles);
  const entries = handles.record.cgroups;
  assert.deepEqual(controllersIn(entries[0]?.path ?? ''), []);
  const writes = resourceWrites({ pids: { limit: 3 } }, { isUnified: true, versionOf: () => 2 });
  const refusals = new Map([['pids', 'somebody is in the way']]);
  assert.throws(
    () => applyWrites(writes, { entries, refusals }),
    runtError('cgroup', /^cannot set pids limit: controller "pids" not available in /, '/linux/resources/pids/limit'),
  );
});
