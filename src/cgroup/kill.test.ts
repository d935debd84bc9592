import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { closeHandles, createCgroups } from './create.ts';
import { freeze } from './freeze.ts';
import { freezerOf } from './freezer.ts';
import { type CgroupHost, detectCgroups } from './host.ts';
import { killAll, signalAll } from './kill.ts';
import { planCgroups } from './paths.ts';
import { processesIn } from './processes.ts';
import { type CgroupRecord, confirm, recordCgroups } from './record.ts';
import { removeCgroups } from './remove.ts';
import { hostWith, needsRoot, runtError, scratch, startInside } from './test-support.ts';

function created(host: CgroupHost, cgroupsPath: string): CgroupRecord {
  const handles = createCgroups(recordCgroups(planCgroups(host, { cgroupsPath, id: 'unused' })));
  closeHandles(handles);
  return JSON.parse(JSON.stringify(handles.record));
}

const hosts: readonly { readonly name: string; readonly host: CgroupHost | null; readonly skip: string | false }[] = [
  { name: 'v1', ...hostWith(1) },
  { name: 'v2', ...hostWith(2) },
  { name: 'all hierarchies', host: needsRoot === false ? detectCgroups() : null, skip: needsRoot },
];

for (const { name, host, skip } of hosts) {
  test(`${name}: the processes in the cgroup and in its sub-cgroups are found, killed and waited for`, {
    skip,
  }, async (context) => {
    assert.ok(host);
    const record = created(host, scratch(context, host));
    const child = await startInside(record, 'sleep 1000 & echo in; exec sleep 1000');
    assert.equal(processesIn(record).length, 2);
    assert.ok(processesIn(record).includes(child.pid ?? 0));
    const below = record.cgroups.map((entry) => ({ ...entry, path: `${entry.path}/below` }));
    for (const { path } of below) mkdirSync(path);
    for (const { path, controllers } of below)
      if (!controllers.split(',').includes('cpuset')) writeFileSync(`${path}/cgroup.procs`, String(child.pid));
    assert.equal(processesIn(record).length, 2);
    killAll(record);
    assert.deepEqual(processesIn(record), []);
    removeCgroups(record);
  });

  test(`${name}: killing outruns a process that starts others all the time`, { skip }, async (context) => {
    assert.ok(host);
    const record = created(host, scratch(context, host));
    await startInside(record, 'echo in; while :; do sleep 1000 & sleep 0.001; done');
    killAll(record);
    assert.deepEqual(processesIn(record), []);
    removeCgroups(record);
  });

  test(`${name}: a signal reaches every process`, { skip }, async (context) => {
    assert.ok(host);
    const record = created(host, scratch(context, host));
    const child = await startInside(record, 'echo in; exec sleep 1000');
    const gone = once(child, 'exit');
    signalAll(record, 15);
    assert.deepEqual(await gone, [null, 'SIGTERM']);
    removeCgroups(record);
  });
}

test('a process is spared that is in the place of a cgroup which the container never had', {
  skip: needsRoot,
}, async (context) => {
  const host = detectCgroups();
  const path = scratch(context, host);
  const refused = recordCgroups(planCgroups(host, { cgroupsPath: path, id: 'unused' }));
  const stranger = created(host, path);
  const child = await startInside(stranger, 'echo in; exec sleep 1000');
  killAll(refused);
  assert.deepEqual(processesIn(stranger), [child.pid]);
  killAll(stranger);
});

test("a process is spared that is in a cgroup made in the place of the container's", {
  skip: needsRoot,
}, async (context) => {
  const host = detectCgroups();
  const path = scratch(context, host);
  const former = created(host, path);
  removeCgroups(former);
  const stranger = created(host, path);
  const child = await startInside(stranger, 'echo in; exec sleep 1000');
  assert.deepEqual(processesIn(former), []);
  signalAll(former, 9);
  killAll(former);
  removeCgroups(former);
  assert.deepEqual(processesIn(stranger), [child.pid]);
  killAll(stranger);
});

test('there is nobody in a cgroup that does not exist, and nothing to kill', () => {
  const record: CgroupRecord = {
    cgroups: [{ version: 1, controllers: 'pids', path: '/proc/nowhere/box', existing: '/proc' }],
  };
  assert.deepEqual(processesIn(record), []);
  killAll(record);
});

const v1 = hostWith(1);
const freezer = v1.host?.hierarchies.find((hierarchy) => hierarchy.controllers === 'freezer');

for (const { name, host, skip } of hosts) {
  test(`${name}: processes that are frozen in a cgroup of the container's own making die too`, {
    skip,
  }, async (context) => {
    assert.ok(host);
    const record = created(host, scratch(context, host));
    const child = await startInside(record, 'echo in; exec sleep 1000');
    const entry = freezerOf(record) ?? assert.fail();
    const below = { ...entry, path: `${entry.path}/below` };
    mkdirSync(below.path);
    writeFileSync(`${below.path}/cgroup.procs`, String(child.pid));
    freeze({ cgroups: [confirm(below)] });
    killAll(record);
    assert.deepEqual(processesIn(record), []);
    removeCgroups(record);
  });
}

test('more processes than descriptors are held at a time are all reached', { skip: needsRoot }, async (context) => {
  const host = detectCgroups();
  const record = created(host, scratch(context, host));
  await startInside(record, 'i=0; while [ $i -lt 300 ]; do sleep 1000 & i=$((i+1)); done; echo in; wait');
  assert.equal(processesIn(record).length, 301);
  signalAll(record, 15);
  const end = Date.now() + 10_000;
  while (processesIn(record).length > 0 && Date.now() < end);
  assert.deepEqual(processesIn(record), []);
  removeCgroups(record);
});

test('a process that ignores other signals dies of SIGKILL', {
  skip: needsRoot,
}, async (context) => {
  const host = detectCgroups();
  const record = created(host, scratch(context, host));
  await startInside(record, "trap '' TERM INT HUP; echo in; while :; do sleep 1000; done");
  signalAll(record, 15);
  assert.equal(processesIn(record).length > 0, true);
  killAll(record);
  assert.deepEqual(processesIn(record), []);
  removeCgroups(record);
});

test('on v1 frozen processes are thawed so that they die', {
  skip: freezer === undefined && 'needs the v1 hierarchy freezer',
}, async (context) => {
  const host = v1.host ?? assert.fail();
  const record = created(host, scratch(context, host));
  await startInside(record, 'echo in; exec sleep 1000');
  const path = record.cgroups.find((entry) => entry.controllers === 'freezer')?.path ?? assert.fail();
  writeFileSync(`${path}/freezer.state`, 'FROZEN');
  while (!readFileSync(`${path}/freezer.state`, 'utf8').startsWith('FROZEN'));
  killAll(record);
  assert.deepEqual(processesIn(record), []);
  removeCgroups(record);
});

test('a cgroup in which a process stays is reported with that process', { skip: needsRoot }, async (context) => {
  const host = detectCgroups();
  const record = created(host, scratch(context, host));
  const child = await startInside(record, 'echo in; exec sleep 1000');
  assert.throws(
    () => removeCgroups(record, 20),
    runtError('cgroup', new RegExp(`remove the cgroup .*still the processes ${child.pid}$`)),
  );
  killAll(record);
  removeCgroups(record);
});
