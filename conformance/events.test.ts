// events, which the specification does not have: as runc has it, in the format of its types/events.go, which engines parse.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import {
  byPathOnly,
  type Container,
  check,
  isV2,
  memoryLimitFile,
  ok,
  refused,
  runtimeKind,
  runtimePath,
  type Sandbox,
  waitFor,
} from './harness/index.ts';

const skip = runtimeKind === 'crun' ? 'crun has no events' : false;

const lasting = (box: Sandbox): Container => {
  const container = box.container((config) => {
    config.process.args = ['/bin/sleep', '300'];
  });
  ok(container.create());
  ok(container.start());
  return container;
};

interface Stats {
  cpu: { usage: { total?: number; kernel: number; user: number }; throttling?: object; psi?: object };
  cpuset: Record<string, number | number[]>;
  memory: {
    cache?: number;
    usage: { limit: number; usage?: number; max?: number; failcnt: number };
    swap: { limit: number; failcnt: number };
    raw: Record<string, number>;
  };
  pids: { current?: number; limit?: number };
  blkio: object;
  hugetlb: Record<string, { failcnt: number }>;
  intel_rdt: object;
  network_interfaces: unknown;
}

const stats = (box: Sandbox, container: Container): Stats => {
  const { stdout } = ok(box.command(['events', '--stats', container.id], {}));
  assert.ok(stdout.startsWith(`{"type":"stats","id":"${container.id}","data":{`), stdout);
  assert.equal(stdout.indexOf('\n'), stdout.length - 1, 'one line');
  return JSON.parse(stdout).data;
};

check('events --stats prints one line with every subject, and ends', { skip }, (box) => {
  const data = stats(box, lasting(box));
  assert.deepEqual(Object.keys(data), [
    'cpu',
    'cpuset',
    'memory',
    'pids',
    'blkio',
    'hugetlb',
    'intel_rdt',
    'network_interfaces',
  ]);
  assert.ok((data.cpu.usage.total ?? 0) > 100_000, 'nanoseconds: a container takes more than 0.1 ms to start');
  assert.ok((data.cpu.usage.total ?? 0) < 60_000_000_000);
  assert.equal(data.pids.current, 1);
  // systemd gives every unit a limit (DefaultTasksMax=).
  if (!byPathOnly) assert.equal(data.pids.limit, undefined);
  assert.equal(data.network_interfaces, null);
});

check('the memory of the container is counted, and its limit is told to the last digit', { skip }, (box, context) => {
  const container = lasting(box);
  const file = memoryLimitFile(container.pid());
  if (file === undefined) return context.skip('needs the memory controller');
  const text = ok(box.command(['events', '--stats', container.id], {})).stdout;
  assert.match(text, isV2 ? /"usage":\{"limit":18446744073709551615,/ : /"usage":\{"limit":9223372036854771712,/);
  writeFileSync(file, String(64 << 20));
  const { usage, raw, swap } = stats(box, container).memory;
  assert.equal(usage.limit, 64 << 20);
  assert.ok((usage.usage ?? 0) > 4096 && (usage.usage ?? 0) <= usage.limit);
  assert.equal(usage.failcnt, 0);
  assert.ok(swap.limit >= usage.limit);
  const lines = readFileSync(file.replace(/[^/]*$/, 'memory.stat'), 'utf8')
    .trim()
    .split('\n');
  assert.deepEqual(Object.keys(raw).sort(), lines.map((line) => line.split(' ')[0]).sort());
});

check('a paused container has statistics, a stopped one has not', { skip }, (box) => {
  const container = lasting(box);
  ok(container.pause());
  stats(box, container);
  ok(container.kill('KILL'));
  container.waitForStatus('stopped');
  refused(box.command(['events', '--stats', container.id], {}), /is not running/);
  refused(box.command(['events', container.id], {}), /is not running/);
});

check('events of a container that does not exist, and without an id, is an error', { skip }, (box) => {
  refused(box.command(['events', '--stats', `${box.token}-none`], {}), /exist/);
  refused(box.command(['events'], {}));
});

check('the interval is a duration greater than zero', { skip }, (box) => {
  const container = lasting(box);
  refused(box.command(['events', '--interval', '0s', container.id], {}), /must be greater than 0/);
  refused(box.command(['events', '--interval', '-1s', container.id], {}), /must be greater than 0/);
  for (const text of ['5', 'x', '']) refused(box.command(['events', '--interval', text, container.id], {}));
});

interface Listener {
  /** The events so far. */
  lines(): { type: string; id: string; data?: Stats }[];
  text(): string;
  /** The exit status, when it has ended. */
  status(): number | undefined;
}

/** `events` in the background. */
function listen(box: Sandbox, container: Container, ...flags: string[]): Listener {
  const prefix = `${box.directory}/events-${container.id}`;
  const script = '"$@" >"$0.out" 2>"$0.err"; echo $? >"$0.new"; mv "$0.new" "$0.status"';
  spawn('/bin/sh', ['-c', script, prefix, runtimePath, '--root', box.root, 'events', ...flags, container.id], {
    stdio: 'ignore',
  }).unref();
  const read = (path: string) => (existsSync(path) ? readFileSync(path, 'utf8') : '');
  const text = () => read(`${prefix}.out`);
  return {
    text,
    // The last line may be half written.
    lines: () =>
      text()
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line)),
    status: () => {
      const status = read(`${prefix}.status`);
      return status === '' ? undefined : Number(status);
    },
  };
}

function ended(listener: Listener): number {
  waitFor('the end of events', () => listener.status() !== undefined);
  return listener.status() ?? -1;
}

check('statistics come after each interval, and the command ends when the container is deleted', { skip }, (box) => {
  const container = lasting(box);
  const listener = listen(box, container, '--interval', '50ms');
  waitFor('three events', () => listener.lines().length >= 3);
  for (const { type, id, data } of listener.lines()) {
    assert.equal(type, 'stats');
    assert.equal(id, container.id);
    assert.equal(data?.pids.current, 1);
  }
  ok(container.delete({ flags: ['--force'] }));
  assert.equal(ended(listener), 0);
});

const runcWaits = isV2 ? {} : { knownToFail: { runc: 'goes on until the v1 cgroup is removed' } };

check('the command ends when the container does', { skip, ...runcWaits }, (box) => {
  const container = lasting(box);
  const listener = listen(box, container, '--interval', '50ms');
  waitFor('an event', () => listener.lines().length > 0);
  ok(container.kill('KILL'));
  assert.equal(ended(listener), 0);
});

/** Until the process that listens holds what tells it of the container's end. */
const listens = (box: Sandbox): void =>
  void waitFor('a listener', () =>
    box.leftovers().some((line) => {
      const pid = /^process (\d+)/.exec(line)?.[1];
      return line.includes('events') && descriptorsOf(pid ?? '').some((target) => /pidfd|inotify/.test(target));
    }),
  );

function descriptorsOf(pid: string): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
  } catch {
    return []; // ended, or closed one, meanwhile
  }
}

check('it ends at once, however long the interval is', { skip, ...runcWaits }, (box) => {
  const container = lasting(box);
  const listener = listen(box, container, '--interval', '1h');
  listens(box);
  ok(container.kill('KILL'));
  assert.equal(ended(listener), 0);
  assert.equal(listener.text(), '');
});

/** A container that eats memory until it is killed when the host writes to /go; whoever eats is `eater`: init, or a child that init outlives. */
function hungry(box: Sandbox, eater: 'init' | 'child'): { container: Container; go: () => void; limited: boolean } {
  const container = box.container((config) => {
    const eat = eater === 'init' ? 'exec tail /dev/zero' : 'tail /dev/zero; echo survived; exec sleep 300';
    config.process.args = ['/bin/sh', '-c', `mkfifo /go; echo ready; read word </go; ${eat}`];
    config.root.readonly = false;
    // At the top, where v2 has its controllers enabled.
    if (!byPathOnly) config.linux.cgroupsPath = `/${box.token}-hungry`;
  });
  ok(container.create());
  ok(container.start());
  container.waitForOutput(/ready/);
  const file = memoryLimitFile(container.pid());
  if (file !== undefined) writeFileSync(file, String(16 << 20));
  return { container, go: () => writeFileSync(`${container.rootfs}/go`, 'go\n'), limited: file !== undefined };
}

check('a process that is killed for want of memory is an event', { skip }, (box, context) => {
  const { container, go, limited } = hungry(box, 'child');
  if (!limited) return context.skip('needs the memory controller');
  const listener = listen(box, container, '--interval', '50ms');
  waitFor('events', () => listener.lines().length >= 2);
  assert.ok(listener.lines().every(({ type }) => type === 'stats'));
  go();
  container.waitForOutput(/survived/);
  waitFor('the event', () => listener.text().includes(`{"type":"oom","id":"${container.id}"}\n`));
  assert.equal(container.state().status, 'running');
  ok(container.delete({ flags: ['--force'] }));
  assert.equal(ended(listener), 0);
});

check(
  'also when that is the end of the container, which leaves nothing behind',
  { skip, ...runcWaits },
  (box, context) => {
    const { container, go, limited } = hungry(box, 'init');
    if (!limited) return context.skip('needs the memory controller');
    const listener = listen(box, container, '--interval', '50ms');
    waitFor('events', () => listener.lines().length >= 2);
    go();
    container.waitForStatus('stopped');
    assert.equal(ended(listener), 0);
    assert.equal(listener.lines().filter(({ type }) => type === 'oom').length, 1);
    ok(container.delete());
    box.assertNothingLeft();
  },
);
