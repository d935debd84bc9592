import assert from 'node:assert/strict';
import { existsSync, fstatSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { type CgroupHandles, closeHandles, createCgroups } from './create.ts';
import { type CgroupHost, detectCgroups } from './host.ts';
import { planCgroups } from './paths.ts';
import { type CgroupRecord, ownDirectories, recordCgroups } from './record.ts';
import { removeCgroups } from './remove.ts';
import { hostWith, needsRoot, runInside, runtError, scratch, startInside } from './test-support.ts';

const plan = (host: CgroupHost, cgroupsPath: string) => recordCgroups(planCgroups(host, { cgroupsPath, id: 'unused' }));
const create = (record: CgroupRecord) => closeHandles(createCgroups(record));
const left = (record: CgroupRecord) => record.cgroups.flatMap(ownDirectories).filter((path) => existsSync(path));

test('a cgroup is made in every hierarchy, a process that enters has it, and removal leaves nothing', {
  skip: needsRoot,
}, (context) => {
  const host = detectCgroups();
  const path = `${scratch(context, host)}/a/b`;
  const record = plan(host, path);
  create(record);
  const { status, output } = runInside(record, 'cat /proc/self/cgroup');
  assert.equal(status, 0, output);
  const places = output
    .trim()
    .split('\n')
    .map((line) => line.split(':')[2]);
  assert.equal(places.length >= host.hierarchies.length, true);
  for (const { controllers } of host.hierarchies) assert.match(output, new RegExp(`:${controllers}:${path}$`, 'm'));
  removeCgroups(record);
  assert.deepEqual(left(record), []);
});

test('the handles are close-on-exec: `tasks` to write to, and the v2 directory as a place only', {
  skip: needsRoot,
}, (context) => {
  const host = detectCgroups();
  const record = plan(host, scratch(context, host));
  const handles: CgroupHandles = createCgroups(record);
  const flagsOf = (fd: number) =>
    Number.parseInt(/flags:\s+(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? '', 8);
  const O_WRONLY = 1;
  const O_CLOEXEC = 0o2000000;
  const O_PATH = 0o10000000;
  assert.equal(handles.tasks.length, host.hierarchies.filter((hierarchy) => hierarchy.version === 1).length);
  for (const { fd } of handles.tasks) assert.equal(flagsOf(fd) & (O_WRONLY | O_CLOEXEC), O_WRONLY | O_CLOEXEC);
  if (handles.unified !== null) {
    assert.ok(fstatSync(handles.unified.fd).isDirectory());
    assert.equal(flagsOf(handles.unified.fd) & (O_PATH | O_CLOEXEC), O_PATH | O_CLOEXEC);
  }
  closeHandles(handles);
});

test('a record survives JSON and removes what a creator made that was killed after any number of steps', {
  skip: needsRoot,
}, (context) => {
  const host = detectCgroups();
  const base = scratch(context, host);
  const steps = plan(host, `${base}/a/b`).cgroups.flatMap(ownDirectories);
  assert.ok(steps.length >= 3);
  for (let done = 0; done <= steps.length; done++) {
    const record: CgroupRecord = JSON.parse(JSON.stringify(plan(host, `${base}/a/b`)));
    for (const path of steps.slice(0, done)) mkdirSync(path);
    removeCgroups(record);
    assert.deepEqual(
      steps.filter((path) => existsSync(path)),
      [],
    );
  }
});

test('removing twice is fine', { skip: needsRoot }, (context) => {
  const host = detectCgroups();
  const record = plan(host, scratch(context, host));
  create(record);
  removeCgroups(record);
  removeCgroups(record);
});

test('sub-cgroups that the container made are removed with it', { skip: needsRoot }, (context) => {
  const host = detectCgroups();
  const record = plan(host, scratch(context, host));
  create(record);
  for (const { path } of record.cgroups) mkdirSync(`${path}/x/y`, { recursive: true });
  removeCgroups(record);
  assert.deepEqual(left(record), []);
});

test('a cgroup that was there before is used, and stays', { skip: needsRoot }, (context) => {
  const host = detectCgroups();
  const path = scratch(context, host);
  for (const { mountPoint } of host.hierarchies) mkdirSync(mountPoint + path);
  const record = plan(host, path);
  create(record);
  removeCgroups(record);
  for (const { mountPoint } of host.hierarchies) assert.ok(existsSync(mountPoint + path));
});

test('a parent that two containers share goes with the last of them', { skip: needsRoot }, (context) => {
  const host = detectCgroups();
  const base = scratch(context, host);
  const [one, two] = [plan(host, `${base}/one`), plan(host, `${base}/two`)];
  create(one);
  create(two);
  removeCgroups(one);
  for (const { mountPoint } of host.hierarchies) assert.ok(existsSync(`${mountPoint}${base}/two`));
  removeCgroups(two);
  for (const { mountPoint } of host.hierarchies) assert.ok(!existsSync(mountPoint + base));
});

test('a parent that vanished since the record was made is made again', { skip: needsRoot }, (context) => {
  const host = detectCgroups();
  const base = scratch(context, host);
  const [one, two] = [plan(host, `${base}/p/one`), plan(host, `${base}/p/two`)];
  create(one);
  const late = plan(host, `${base}/p/late`);
  removeCgroups(one);
  create(late);
  removeCgroups(late);
  removeCgroups(two);
});

test('of two containers that are created in one cgroup at the same moment, the second is refused', {
  skip: needsRoot,
}, (context) => {
  const host = detectCgroups();
  const path = scratch(context, host);
  const [one, two] = [plan(host, path), plan(host, path)];
  create(one);
  assert.throws(
    () => createCgroups(two, '/linux/cgroupsPath'),
    runtError('cgroup', /somebody else made it just now/, '/linux/cgroupsPath'),
  );
  assert.equal(left(one).length, one.cgroups.length);
});

test('a cgroup in which processes are is refused, and nothing is made in the other hierarchies', {
  skip: needsRoot,
}, async (context) => {
  const host = detectCgroups();
  const path = scratch(context, host);
  const last = host.hierarchies.at(-1) ?? assert.fail();
  const used = plan({ ...host, hierarchies: [last] }, `${path}/sub`);
  create(used);
  const child = await startInside(used, 'echo in; exec sleep 1000');
  const record = plan(host, path);
  assert.throws(() => createCgroups(record), runtError('cgroup', /^container's cgroup is not empty: 1 process/));
  assert.deepEqual(left(record), []);
  child.kill('SIGKILL');
});

test('a cgroup that is named like a control file is refused', { skip: needsRoot }, () => {
  const host = detectCgroups();
  assert.throws(
    () => plan(host, '/cgroup.procs'),
    runtError('cgroup', /control file of the kernel/, '/linux/cgroupsPath'),
  );
});

test('what the kernel refuses is told with the file, the call and the place in the config', { skip: needsRoot }, () => {
  const record = {
    cgroups: [{ version: 1, controllers: 'cpu', path: '/proc/nowhere/box', existing: '/proc/nowhere' }],
  } as const;
  try {
    createCgroups(record, '/linux/cgroupsPath');
    assert.fail('it was made');
  } catch (error) {
    assert.ok(runtError('cgroup', /^make the cgroup \/proc\/nowhere\/box$/, '/linux/cgroupsPath')(error));
  }
});

const v1 = hostWith(1);
const freezer = v1.host?.hierarchies.find((hierarchy) => hierarchy.controllers === 'freezer');
const cpuset = v1.host?.hierarchies.find((hierarchy) => hierarchy.controllers.split(',').includes('cpuset'));
const without = (name: string) => (v1.skip !== false ? v1.skip : `needs the v1 hierarchy ${name}`);

test('on v1 a frozen cgroup is refused, and so is one below a frozen one', {
  skip: freezer === undefined && without('freezer'),
}, (context) => {
  const host: CgroupHost = { mode: 'v1', hierarchies: [freezer ?? assert.fail()] };
  const path = scratch(context, host);
  const directory = `${host.hierarchies[0]?.mountPoint}${path}`;
  mkdirSync(directory);
  writeFileSync(`${directory}/freezer.state`, 'FROZEN');
  const frozen = runtError('cgroup', /^container's cgroup unexpectedly frozen/);
  assert.throws(() => createCgroups(plan(host, path)), frozen);
  assert.throws(() => createCgroups(plan(host, `${path}/below`)), frozen);
  assert.ok(!existsSync(`${directory}/below`));
  writeFileSync(`${directory}/freezer.state`, 'THAWED');
});

const v2 = hostWith(2);

test('on v2 a frozen cgroup is refused, and so is one below a frozen one', { skip: v2.skip }, (context) => {
  const host = v2.host ?? assert.fail();
  const path = scratch(context, host);
  const directory = `${host.hierarchies[0]?.mountPoint}${path}`;
  mkdirSync(directory);
  writeFileSync(`${directory}/cgroup.freeze`, '1');
  const frozen = runtError('cgroup', /^container's cgroup unexpectedly frozen/);
  assert.throws(() => createCgroups(plan(host, path)), frozen);
  assert.throws(() => createCgroups(plan(host, `${path}/below`)), frozen);
  writeFileSync(`${directory}/cgroup.freeze`, '0');
});

test('on v1 every new cpuset has what the one above has', {
  skip: cpuset === undefined && without('cpuset'),
}, (context) => {
  const host: CgroupHost = { mode: 'v1', hierarchies: [cpuset ?? assert.fail()] };
  const path = scratch(context, host);
  const mountPoint = host.hierarchies[0]?.mountPoint ?? assert.fail();
  // Made by somebody who gave it nothing: no task can enter below it as it is.
  mkdirSync(mountPoint + path);
  const record = plan(host, `${path}/a/b`);
  create(record);
  for (const file of ['cpuset.cpus', 'cpuset.mems'])
    for (const level of [path, `${path}/a`, `${path}/a/b`])
      assert.equal(
        readFileSync(`${mountPoint}${level}/${file}`, 'utf8'),
        readFileSync(`${mountPoint}/${file}`, 'utf8'),
        level,
      );
  assert.equal(runInside(record, 'true').status, 0);
});
