// config.md, "Linux Process": scheduler and ioPriority.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { dirname, join } from 'node:path';
import {
  type Config,
  type Container,
  check as checkAny,
  needsControllers,
  ok,
  refused,
  type Sandbox,
  writeIn,
} from './harness/index.ts';

const knownToFail = { runc: 'has neither (until 1.2)', crun: 'has neither (until 1.8.2, 1.8.6)' };

function check(name: string, body: (box: Sandbox) => void, skip: string | false = false): void {
  checkAny(name, { knownToFail, skip }, body);
}

/** A container that lasts, as `change` says. */
function lasting(box: Sandbox, change: Partial<Config['process']>, edit?: (config: Config) => void): Container {
  const container = box.container((config) => {
    config.process = { ...config.process, args: ['/bin/sleep', '300'], ...change };
    edit?.(config);
  });
  ok(container.create());
  return container;
}

/** Of proc_pid_stat(5): nice, rt_priority and policy. */
function schedulingOf(pid: number | string): { nice: number; priority: number; policy: number } {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
    .replace(/^.*\) /, '')
    .split(' ')
    .map(Number);
  return { nice: fields[16] ?? Number.NaN, priority: fields[37] ?? Number.NaN, policy: fields[38] ?? Number.NaN };
}

const GROUPS = '/sys/fs/cgroup/cpu';
const SHARE = 10_000;
const shareOf = (group: string): number => {
  const file = join(GROUPS, group, 'cpu.rt_runtime_us');
  return existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0;
};

/** With cgroup v1 a group has a share of real time only if it is given one, and the host may have none left. */
function noRealTime(): string | false {
  if (!existsSync(join(GROUPS, 'cpu.rt_runtime_us'))) return false;
  const given = readdirSync(GROUPS).reduce((sum, name) => sum + shareOf(name), 0);
  return shareOf('') - given < 2 * SHARE && 'all real time of this host is given to other control groups';
}

function realTime(config: Config): void {
  if (existsSync(join(GROUPS, 'cpu.rt_runtime_us')))
    config.linux.resources = { ...config.linux.resources, cpu: { realtimeRuntime: SHARE } };
}

/** What a policy without a nice value leaves as it is. */
const callers = getPriority();

// SCHED_IDLE goes without a nice value (sched(7)).
for (const [policy, number, nice] of [
  ['SCHED_OTHER', 0, 7],
  ['SCHED_BATCH', 3, 7],
  ['SCHED_IDLE', 5, undefined],
] as const) {
  check(`the program has the policy ${policy} and its nice value; so have its children, and what exec adds`, (box) => {
    const container = lasting(box, { scheduler: { policy, ...(nice === undefined ? {} : { nice }) } });
    const wanted = { nice: nice ?? callers, priority: 0, policy: number };
    assert.deepEqual(schedulingOf(container.pid()), wanted, 'created');
    ok(container.start());
    assert.deepEqual(schedulingOf(container.pid()), wanted, 'started');
    const script = "awk '{print $19, $41}' /proc/self/stat";
    assert.equal(ok(container.exec(['/bin/sh', '-c', `${script}; true`])).stdout, `${wanted.nice} ${number}\n`);
  });
}

for (const [policy, number] of Object.entries({ SCHED_FIFO: 1, SCHED_RR: 2 })) {
  check(
    `the program has the real-time policy ${policy} with its priority, in a user namespace too`,
    (box) => {
      for (const user of [false, true]) {
        const edit = (config: Config): void => {
          realTime(config);
          if (!user) return;
          config.linux.namespaces.push({ type: 'user' });
          config.linux.uidMappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
          config.linux.gidMappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
        };
        chmodSync(dirname(box.directory), 0o711);
        chmodSync(box.directory, 0o711);
        const container = box.container((config) => {
          config.process.args = ['/bin/sleep', '300'];
          config.process.scheduler = { policy, priority: 7 };
          edit(config);
        });
        if (user)
          for (const name of readdirSync(container.rootfs)) chownSync(join(container.rootfs, name), 100_000, 100_000);
        ok(container.create());
        assert.deepEqual(schedulingOf(container.pid()), { nice: callers, priority: 7, policy: number });
        const pid = added(box, container, { args: ['/bin/sleep', '300'], cwd: '/' });
        assert.deepEqual(schedulingOf(pid), { nice: callers, priority: 7, policy: number }, 'exec');
        ok(container.delete({ flags: ['--force'] }));
      }
    },
    noRealTime(),
  );
}

/** The pid of a program that exec adds by a description of its own. */
function added(box: Sandbox, container: Container, process: object): number {
  const file = writeIn(box, 'process.json', JSON.stringify(process));
  const pidFile = join(box.directory, 'pid');
  ok(container.exec([], { flags: ['--detach', '--process', file, '--pid-file', pidFile] }));
  return Number(readFileSync(pidFile, 'utf8'));
}

/** A policy that can't be had where processors are taken away from the test itself. */
const DEADLINE = { policy: 'SCHED_DEADLINE', runtime: 42_000, deadline: 100_000, period: 1_000_000 };

/** Runtime, deadline and period of a process, as chrt(1) tells them. */
function timesOf(pid: number): string {
  const { stdout } = spawnSync('chrt', ['-p', String(pid)], { encoding: 'utf8' });
  return /parameters: (\S+)/.exec(stdout)?.[1] ?? stdout;
}

const noChrt = spawnSync('chrt', ['-p', '1'], { stdio: 'ignore' }).status === 0 ? false : 'needs chrt (util-linux)';
check(
  'a deadline policy has its runtime, deadline and period',
  (box) => {
    const container = lasting(box, { scheduler: DEADLINE });
    assert.equal(timesOf(container.pid()), '42000/100000/1000000');
    ok(container.start());
    assert.equal(timesOf(container.pid()), '42000/100000/1000000');
  },
  noChrt,
);

check('a deadline policy is had, with create and with exec', (box) => {
  const container = lasting(box, { scheduler: DEADLINE });
  assert.equal(schedulingOf(container.pid()).policy, 6);
  ok(container.start());
  assert.equal(schedulingOf(container.pid()).policy, 6);
  const process = { args: ['/bin/sleep', '300'], cwd: '/' };
  const flags = ['SCHED_FLAG_RESET_ON_FORK'];
  const pid = added(box, container, { ...process, scheduler: { ...DEADLINE, flags } });
  assert.equal(schedulingOf(pid).policy, 6);
});

check('a flag holds: with RESET_ON_FORK children do not inherit a nice value below 0', (box) => {
  const output = box.shell("awk '{print $19}' /proc/1/stat; awk '{print $19}' /proc/self/stat; true", (config) => {
    config.process.scheduler = { policy: 'SCHED_BATCH', nice: -3, flags: ['SCHED_FLAG_RESET_ON_FORK'] };
  });
  assert.equal(output, '-3\n0\n');
});

check("exec's own description wins over the container's", (box) => {
  const container = lasting(box, { scheduler: { policy: 'SCHED_BATCH', nice: 5 } });
  const pid = added(box, container, { args: ['/bin/sleep', '300'], cwd: '/', scheduler: { policy: 'SCHED_IDLE' } });
  assert.equal(schedulingOf(pid).policy, 5);
});

check(
  'a deadline policy and a cpuset are an error that says so, and nothing is left',
  (box) => {
    const container = box.container((config) => {
      config.process.scheduler = DEADLINE;
      config.linux.resources = { ...config.linux.resources, cpu: { cpus: '0' } };
    });
    refused(container.create(), /process scheduler can't be used together with AllowedCPUs/);
    box.assertNothingLeft();
  },
  needsControllers('cpuset') || (cpus() < 2 && 'needs two processors'),
);

function cpus(): number {
  return readFileSync('/proc/stat', 'utf8').match(/^cpu\d/gm)?.length ?? 1;
}

for (const [what, scheduler] of Object.entries({
  'a nice value beyond 19': { policy: 'SCHED_OTHER', nice: 20 },
  'a priority of a policy without': { policy: 'SCHED_BATCH', priority: 3 },
  'times of a policy without': { policy: 'SCHED_FIFO', priority: 3, runtime: 5 },
  'a policy that there is not': { policy: 'SCHED_NONE' },
  'a flag that there is not': { policy: 'SCHED_OTHER', flags: ['SCHED_FLAG_NONE'] },
})) {
  check(`${what} is an error`, (box) => {
    const container = box.container((config) => {
      config.process.scheduler = scheduler;
    });
    refused(container.create(), /schedul/i);
    box.assertNothingLeft();
  });
}

// --- ioPriority -----------------------------------------------------------------------------------------------------

for (const [name, [priority, shown]] of Object.entries({
  IOPRIO_CLASS_RT: [3, 'realtime: prio 3'],
  IOPRIO_CLASS_BE: [4, 'best-effort: prio 4'],
  IOPRIO_CLASS_IDLE: [0, 'idle'],
} as const)) {
  check(`${name} is the I/O class of the program, of its children and of what exec adds`, (box) => {
    const container = lasting(box, { ioPriority: { class: name, priority } });
    ok(container.start());
    const { stdout } = ok(container.exec(['/bin/sh', '-c', 'ionice -p 1; ionice; true']));
    assert.deepEqual(stdout.trim().split('\n'), [shown, shown]);
  });
}

check("exec's own I/O priority wins over the container's", (box) => {
  const container = lasting(box, { ioPriority: { class: 'IOPRIO_CLASS_BE', priority: 6 } });
  const own = { args: ['/bin/ionice'], cwd: '/', ioPriority: { class: 'IOPRIO_CLASS_BE', priority: 2 } };
  const file = writeIn(box, 'process.json', JSON.stringify(own));
  assert.equal(ok(container.exec([], { flags: ['--process', file] })).stdout.trim(), 'best-effort: prio 2');
});

check('an I/O priority beyond 7, or of no class, is an error', (box) => {
  for (const ioPriority of [
    { class: 'IOPRIO_CLASS_BE', priority: 8 },
    { class: 'IOPRIO_CLASS_NONE', priority: 0 },
  ]) {
    const container = box.container((config) => {
      config.process.ioPriority = ioPriority;
    });
    refused(container.create(), /io ?priority/i);
  }
  box.assertNothingLeft();
});
