// `runt plan`: what it prints is what init does, and printing it does nothing.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Container, check, ok, runtimePath, type Sandbox } from '../conformance/harness/index.ts';
import { needsStrace, straced } from './support.ts';

interface Planned {
  readonly operations: readonly { readonly kind: string; readonly call?: string }[];
}

function planOf(box: Sandbox, container: Container): Planned {
  return JSON.parse(ok(box.command(['plan', '--bundle', container.bundle, '--format', 'json'], {})).stdout);
}

/** The calls that init makes from the launcher's clone3 on, as strace tells them: names in order. */
function callsOfInit(lines: readonly string[]): string[] {
  const calls = lines.flatMap((line) => {
    const [, pid, name] = /^(\d+)\s+(?:<\.\.\. )?(\w+)(?:\(| resumed)/.exec(line) ?? [];
    return pid === undefined || name === undefined || line.includes('resumed>') ? [] : [{ pid, name }];
  });
  const keyring = calls.find(({ name }) => name === 'keyctl');
  // How many gaps there are to close between the descriptors that are kept depends on their numbers.
  const names = calls.filter(({ pid, name }) => pid === keyring?.pid && name !== 'close_range').map(({ name }) => name);
  // What follows the execve are the program's own.
  return names.slice(0, names.indexOf('execve') + 1);
}

const VARIANTS: readonly (readonly [string, Parameters<Sandbox['container']>[0]])[] = [
  ['the usual config', undefined],
  [
    'a config with a user, a read-only root and a bind mount',
    (config) => {
      config.process.user = { uid: 1000, gid: 1000, additionalGids: [5] };
      config.root.readonly = true;
      config.mounts.push({ destination: '/mnt', source: '/usr', type: 'bind', options: ['rbind', 'ro', 'nosuid'] });
    },
  ],
  [
    'a config without masks and with few namespaces',
    (config) => {
      config.linux.namespaces = [{ type: 'mount' }, { type: 'pid' }];
      config.linux.maskedPaths = [];
      delete config.hostname;
    },
  ],
  [
    'a config with clocks, a personality, a memory policy and a scheduler',
    (config) => {
      config.linux.namespaces.push({ type: 'time' });
      config.linux.timeOffsets = { monotonic: { secs: 1 }, boottime: { secs: 2 } };
      config.linux.personality = { domain: 'LINUX' };
      config.linux.memoryPolicy = { mode: 'MPOL_LOCAL' };
      config.process.scheduler = { policy: 'SCHED_BATCH', nice: 1 };
    },
  ],
];

for (const [what, edit] of VARIANTS) {
  check(`the calls that init makes are those of the plan, in its order, for ${what}`, { skip: needsStrace }, (box) => {
    const container = box.container(edit);
    const names = planOf(box, container).operations.flatMap(({ kind, call }) =>
      kind === 'call' && call !== undefined ? [call] : [],
    );
    const trace = straced(box, 'trace=all');
    // Not create: strace would wait for the init that stays.
    ok(container.run({ prelude: trace.prelude }));
    const made = callsOfInit(trace.lines());
    assert.ok(made.length > 80, `${made.length} calls`);
    // What a branch skips is in the plan only; nothing is made that is not in it.
    let at = names.indexOf('setsid');
    for (const [index, name] of made.slice(made.indexOf('setsid')).entries()) {
      const found = names.indexOf(name, at);
      assert.notEqual(found, -1, `call ${index} of init, ${name}, is not in the rest of the plan`);
      at = found + 1;
    }
  });
}

check('plan opens nothing for writing, mounts nothing, and starts nothing', { skip: needsStrace }, (box) => {
  const container = box.container();
  const trace = straced(
    box,
    'trace=open,openat,mount,move_mount,fsopen,open_tree,mkdir,mkdirat,unlink,rename,execve,bpf',
  );
  ok(box.command(['plan', '--bundle', container.bundle], { prelude: trace.prelude }));
  const bad = trace
    .lines()
    .filter((line) =>
      /\b(mount|move_mount|fsopen|open_tree|mkdir|mkdirat|unlink|rename|bpf)\(|O_WRONLY|O_RDWR|O_CREAT/.test(line),
    )
    .filter((line) => !/"\/dev\/(null|tty)"|\/proc\/self|anon/.test(line));
  assert.deepEqual(bad, []);
  // The front and the engine that takes its place, or env(1) and Node.js, which it looks for.
  const executed = trace.lines().filter((line) => /\bexecve\(.*= 0$/.test(line)).length;
  assert.equal(executed, 2);
});

check('plan needs no privilege', (box) => {
  const container = box.container();
  const bundle = join('/tmp', `plan-${box.token}`);
  mkdirSync(bundle, { mode: 0o755 });
  cpSync(join(container.bundle, 'config.json'), join(bundle, 'config.json'));
  chmodSync(join(bundle, 'config.json'), 0o644);
  const program = runtimePath.endsWith('.js') ? [process.execPath, runtimePath] : [runtimePath];
  const [file = '', ...args] = [...program, 'plan', '--bundle', bundle];
  const result = spawnSync(file, args, { uid: 65534, gid: 65534, encoding: 'utf8', cwd: '/', env: {} });
  spawnSync('rm', ['-r', bundle]);
  if (result.error !== undefined || /EACCES|permission denied/.test(result.stderr)) {
    // A checkout below /root can't be entered by others: that is the checkout's matter.
    assert.match(`${result.error} ${result.stderr}`, /EACCES|permission denied/);
    return;
  }
  assert.equal(result.status, 0, result.stderr);
  assert.match(result.stdout, /mount proc on \/proc.*\[\/mounts\/\d+\]/);
  assert.match(result.stdout, /execve\("\/bin\//);
});

check('each step of the plan that a field caused names the field', (box) => {
  const container = box.container();
  const config = JSON.parse(readFileSync(join(container.bundle, 'config.json'), 'utf8'));
  const text = ok(box.command(['plan', '--bundle', container.bundle], {})).stdout;
  const pointers = [...text.matchAll(/\[(\/[^\]\s]*)\]$/gm)].map(([, pointer = '']) => pointer);
  assert.ok(pointers.length > 20, `${pointers.length}`);
  for (const pointer of new Set(pointers)) {
    let value: unknown = config;
    const parts = pointer
      .slice(1)
      .split('/')
      .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
    // The last may be absent: its default is what caused the step.
    for (const part of parts.slice(0, -1)) value = (value as Record<string, unknown>)?.[part];
    assert.ok(value !== undefined, `${pointer} leads nowhere`);
  }
});

check('what the runtime sets of the process from outside is told with the field that asks for it', (box) => {
  const container = box.container((config) => {
    config.process.scheduler = { policy: 'SCHED_FIFO', priority: 9 };
    config.process.ioPriority = { class: 'IOPRIO_CLASS_IDLE' };
  });
  const { stdout } = ok(box.command(['plan', '--bundle', container.bundle], {}));
  assert.match(stdout, /^schedule the process with SCHED_FIFO 9 {2}\[\/process\/scheduler\]$/m);
  assert.match(stdout, /^schedule the disk access .* IOPRIO_CLASS_IDLE.* {2}\[\/process\/ioPriority\]$/m);
});
