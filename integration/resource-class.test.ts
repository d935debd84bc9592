// linux.intelRdt, on hosts without resctrl: the runtime is shown a mount table that has one. A control group hierarchy of version 1 stands in for
// it: a directory that is made there has a file `tasks`, by which it is entered, as in resctrl.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Config,
  type Container,
  check as checkAny,
  inMountNamespace,
  needsV1,
  ok,
  ran,
  refused,
  type Sandbox,
} from '../conformance/harness/index.ts';

const CGROUP = 0x27e0eb;
/** None of these is needed for anything else here. */
const hierarchy = ['hugetlb', 'net_prio', 'net_cls', 'perf_event', 'blkio']
  .map((name) => `/sys/fs/cgroup/${name}`)
  .find((path) => existsSync(path) && statfsSync(path).type === CGROUP);

type IntelRdt = NonNullable<Config['linux']['intelRdt']>;

/** Runs the runtime with a mount table that has resctrl at `root`. */
function prelude(box: Sandbox, root: string): string {
  const table = join(box.directory, 'mountinfo');
  return inMountNamespace(
    `cat /proc/self/mountinfo >${table}; echo "999 1 0:99 / ${root} rw - resctrl resctrl rw" >>${table}; mount --bind ${table} /proc/$$/mountinfo`,
  );
}

function check(name: string, body: (box: Sandbox, root: string) => void): void {
  const skip = needsV1 || (hierarchy === undefined && 'needs a hierarchy of version 1 to stand in for resctrl');
  checkAny(name, { skip }, (box) => {
    const root = join(hierarchy ?? '', box.token);
    mkdirSync(root);
    try {
      body(box, root);
    } finally {
      removeTree(root);
    }
  });
}

function removeTree(path: string): void {
  for (const entry of readdirSync(path, { withFileTypes: true }))
    if (entry.isDirectory()) removeTree(join(path, entry.name));
  rmdirSync(path);
}

function containerWith(box: Sandbox, intelRdt: IntelRdt, edit?: (config: Config) => void): Container {
  return box.container((config) => {
    config.process.args = ['/bin/sleep', '300'];
    config.linux.intelRdt = intelRdt;
    edit?.(config);
  });
}

/** Where the stand-in has the process, below `root`. */
function classOf(pid: number, root: string): string {
  const all = readFileSync(`/proc/${pid}/cgroup`, 'utf8');
  const below = root.slice((hierarchy ?? '').length);
  return new RegExp(`:${below}(/.*)?$`, 'm').exec(all)?.[1] ?? '';
}

check(
  'a container has a class of its own from create on, exec is in it, and it goes with the container',
  (box, root) => {
    const container = containerWith(box, {});
    ok(container.create({ prelude: prelude(box, root) }));
    const { id } = container;
    assert.equal(classOf(container.pid(), root), `/${id}`);
    ok(container.start());
    assert.equal(classOf(container.pid(), root), `/${id}`);
    const pidFile = join(box.directory, 'pid');
    ok(container.exec(['/bin/sleep', '300'], { flags: ['--detach', '--pid-file', pidFile] }));
    assert.equal(classOf(Number(readFileSync(pidFile, 'utf8')), root), `/${id}`);
    ok(container.kill('KILL'));
    container.waitForStatus('stopped');
    assert.ok(existsSync(join(root, id)));
    ok(container.delete());
    assert.equal(existsSync(join(root, id)), false);
  },
);

check(
  'a container joins a class that is there, with a monitoring group of its own, which alone goes with it',
  (box, root) => {
    mkdirSync(join(root, 'info/L3_MON'), { recursive: true });
    mkdirSync(join(root, 'gold/mon_groups'), { recursive: true });
    const container = containerWith(box, { closID: 'gold', enableMonitoring: true });
    ok(container.create({ prelude: prelude(box, root) }));
    const group = `/gold/mon_groups/${container.id}`;
    assert.equal(classOf(container.pid(), root), group);
    const pidFile = join(box.directory, 'pid');
    ok(container.exec(['/bin/sleep', '300'], { flags: ['--detach', '--pid-file', pidFile] }));
    assert.equal(classOf(Number(readFileSync(pidFile, 'utf8')), root), group);
    ok(container.delete({ flags: ['--force'] }));
    assert.equal(existsSync(root + group), false);
    assert.ok(existsSync(join(root, 'gold')));
  },
);

check('a run in the foreground leaves nothing of its class', (box, root) => {
  const container = containerWith(box, {}, (config) => {
    config.process.args = ['/bin/cat', '/proc/self/cgroup'];
  });
  const { stdout } = ok(container.run({ prelude: prelude(box, root) }));
  assert.match(stdout, new RegExp(`${box.token}/${container.id}$`, 'm'));
  assert.equal(existsSync(join(root, container.id)), false);
});

check('a monitoring group that was there before the container stays when that is deleted', (box, root) => {
  mkdirSync(join(root, 'info/L3_MON'), { recursive: true });
  mkdirSync(join(root, 'gold/mon_groups'), { recursive: true });
  const container = containerWith(box, { closID: 'gold', enableMonitoring: true });
  const group = `/gold/mon_groups/${container.id}`;
  mkdirSync(root + group);
  ok(container.create({ prelude: prelude(box, root) }));
  assert.equal(classOf(container.pid(), root), group);
  ok(container.delete({ flags: ['--force'] }));
  assert.ok(existsSync(root + group));
  // Also by a create that fails.
  container.configure((config) => {
    config.process.args = ['/bin/no-such-program'];
    config.linux.intelRdt = { closID: 'gold', enableMonitoring: true };
  });
  refused(container.create({ prelude: prelude(box, root) }), /no-such-program/);
  assert.ok(existsSync(root + group));
});

check('a class that can not be removed is told of when all else of the container is gone', (box, root) => {
  const container = containerWith(box, {}, (config) => {
    const hook = { path: '/bin/sh', args: ['sh', '-c', `echo ran >${box.directory}/poststop`] };
    config.hooks = { poststop: [hook] };
  });
  const { id } = container;
  ok(container.create({ prelude: prelude(box, root) }));
  mkdirSync(join(root, id, 'below'));
  refused(container.delete({ flags: ['--force'] }), new RegExp(`remove .*${join(root, id)}.*EBUSY`));
  assert.equal(readFileSync(join(box.directory, 'poststop'), 'utf8'), 'ran\n');
  refused(container.stateResult(), /does not exist/);
  removeTree(join(root, id));
});

check('a create that fails leaves no class; one that is killed leaves it to delete --force', (box, root) => {
  const failing = containerWith(box, {}, (config) => {
    config.process.args = ['/bin/no-such-program'];
  });
  refused(failing.create({ prelude: prelude(box, root) }), /no-such-program/);
  assert.equal(existsSync(join(root, failing.id)), false);
  const killed = containerWith(box, {}, (config) => {
    config.hooks = { createRuntime: [{ path: '/bin/sh', args: ['sh', '-c', 'kill -9 $PPID'] }] };
  });
  assert.notEqual(killed.create({ prelude: prelude(box, root) }).status, 0);
  assert.ok(existsSync(join(root, killed.id)));
  ok(killed.delete({ flags: ['--force'] }));
  assert.equal(existsSync(join(root, killed.id)), false);
});

check('a class that is missing and not described is an error, as is what the host has not', (box, root) => {
  const options = { prelude: prelude(box, root) };
  refused(containerWith(box, { closID: 'gold' }).create(options), /must be pre-created/);
  refused(containerWith(box, { enableMonitoring: true }).create(options), /monitoring is not enabled/);
  refused(containerWith(box, { l3CacheSchema: 'L3:0=f' }).create(options), /RDT\/CAT is not enabled/);
  assert.deepEqual(
    readdirSync(root).filter((name) => name.includes(box.token)),
    [],
  );
});

/** A class of files that keep what is written to them. */
function written(box: Sandbox): { readonly root: string; read(name: string): string } {
  const root = join(box.directory, 'resctrl');
  for (const part of ['info/L3', 'info/MB', 'gold']) mkdirSync(join(root, part), { recursive: true });
  writeFileSync(join(root, 'gold/tasks'), '');
  writeFileSync(join(root, 'gold/schemata'), '    L3:0=0ff;1=fff\n    MB:0=100;1= 50\n');
  return { root, read: (name) => readFileSync(join(root, 'gold', name), 'utf8') };
}

for (const [field, value, expected] of [
  ['l3CacheSchema', 'L3:0=ff', 'L3:0=ff\n'],
  ['memBwSchema', 'MB:1=50', 'MB:1=50\n'],
  ['schemata', ['L2:0=f', 'MB:0=20'], 'L2:0=f\nMB:0=20\n'],
] as const)
  checkAny(`intelRdt.${field} is written to the class`, (box) => {
    const { root, read } = written(box);
    ok(containerWith(box, { closID: 'gold', [field]: value }).create({ prelude: prelude(box, root) }));
    assert.equal(read('schemata'), expected);
  });

checkAny(
  'the class that the config describes is entered and written to; the config is deleted with nothing of it',
  (box) => {
    const { root, read } = written(box);
    const container = containerWith(
      box,
      { closID: 'gold', l3CacheSchema: 'L3:0=ff', memBwSchema: 'MB:1=50', schemata: ['L2:0=f', 'L2:1=3'] },
      (config) => {
        config.process.args = ['/bin/echo', 'the program ran'];
      },
    );
    ok(container.create({ prelude: prelude(box, root) }));
    assert.equal(read('tasks'), '0');
    assert.equal(read('schemata'), 'L2:0=f\nL2:1=3\n');
    ok(container.start());
    container.waitForStatus('stopped');
    ran({ ...ok(container.delete()), stdout: container.stdout() });
    assert.deepEqual(readdirSync(join(root, 'gold')).sort(), ['schemata', 'tasks']);
  },
);

checkAny('a class that is another than the config describes is an error, and stays as it is', (box) => {
  const { root, read } = written(box);
  const before = read('schemata');
  const container = containerWith(box, { closID: 'gold', l3CacheSchema: 'L3:0=f', schemata: ['L2:0=f'] });
  refused(container.create({ prelude: prelude(box, root) }), /L3:0=f, but it has 0ff.*l3CacheSchema/);
  assert.equal(read('schemata'), before);
  assert.equal(read('tasks'), '');
  box.assertNothingLeft();
});

checkAny('update changes the schemas of the class, and events tells of it', (box) => {
  const { root, read } = written(box);
  for (const [file, text] of Object.entries({
    'info/L3/cbm_mask': 'fff\n',
    'info/L3/min_cbm_bits': '2\n',
    schemata: '    L3:0=fff;1=fff\n    MB:0=100;1=100\n',
  }))
    writeFileSync(join(root, file), text);
  const container = containerWith(box, { closID: 'gold' });
  ok(container.create({ prelude: prelude(box, root) }));
  const statistics = () =>
    JSON.parse(ok(box.command(['events', '--stats', container.id], {})).stdout).data.intel_rdt as object;
  assert.deepEqual(statistics(), {
    l3_cache_info: { cbm_mask: 'fff', min_cbm_bits: 2 },
    l3_cache_schema_root: 'L3:0=fff;1=fff',
    l3_cache_schema: 'L3:0=0ff;1=fff',
    schemata: ['L3:0=0ff;1=fff', 'MB:0=100;1= 50'],
  });
  const update = (...args: string[]) => box.command(['update', ...args, container.id], {});
  ok(update('--l3-cache-schema', 'L3:0=f'));
  assert.equal(read('schemata'), 'L3:0=f\n');
  refused(update('--mem-bw-schema', '0=20'), /begins with MB:/);
  ok(container.delete({ flags: ['--force'] }));
});

checkAny('a container without a class has no schemas to update', (box) => {
  const container = box.container((config) => {
    config.process.args = ['/bin/sleep', '300'];
  });
  ok(container.create());
  refused(
    box.command(['update', '--mem-bw-schema', 'MB:0=20', container.id], {}),
    /updating a non-existent Intel RDT configuration is not supported/,
  );
});

checkAny('plan tells what would be made, also where there is no resctrl', (box) => {
  const container = containerWith(box, { schemata: ['L3:0=f'], enableMonitoring: true });
  const { stdout } = ok(box.command(['plan', '--bundle', container.bundle], {}));
  for (const line of [
    /^make the resource class \/sys\/fs\/resctrl\/container, .*\[\/linux\/intelRdt\]$/m,
    /^write "L3:0=f\\n" to \/sys\/fs\/resctrl\/container\/schemata {2}\[\/linux\/intelRdt\/schemata\]$/m,
    /^make the monitoring group .*\/container\/mon_groups\/container {2}\[\/linux\/intelRdt\/enableMonitoring\]$/m,
    /^enter the resource class \/sys\/fs\/resctrl\/container {2}\[\/linux\/intelRdt\]$/m,
  ])
    assert.match(stdout, line);
});
