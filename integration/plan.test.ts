// `runt plan`: printing what init will do does nothing. That it is what init does is in plan-calls.test.ts.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { check, needsControllers, ok, runtimeFlags, runtimePath } from '../conformance/harness/index.ts';
import { needsStrace, straced } from './support.ts';

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

const withOption = runtimeFlags.includes('--systemd-cgroup') && 'the option is given to every command of this run';

check(
  'limits are told as a scope of systemd has them, where it is to make one',
  { skip: needsControllers('cpu') || withOption },
  (box) => {
    const container = box.container((config) => {
      config.linux.resources = { cpu: { quota: 12_345, shares: 200, idle: 1 } };
    });
    const planned = (...global: string[]) => ok(box.command([...global, 'plan', '--bundle', container.bundle], {}));
    const quota = (text: string): string | undefined =>
      /^write "(\d+).* {2}\[\/linux\/resources\/cpu\/quota\]$/m.exec(text)?.[1];
    const own = planned();
    assert.equal(quota(own.stdout), '12345');
    assert.equal(own.stderr, '');
    const scope = planned('--systemd-cgroup');
    assert.equal(quota(scope.stdout), '13000');
    // v1 has a weight beside it.
    const isV2 = /cpu\.max/.test(scope.stdout);
    assert.equal(/unable to apply both/.test(scope.stderr), isV2);
    assert.equal(/cpu\.weight/.test(scope.stdout), false);
  },
);
