// What is read is what runs: `runt plan` announces the calls of init, strace(1) sees them.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Container, check, ok, type Sandbox } from '../conformance/harness/index.ts';
import type { PlanJson } from '../src/init/explain.ts';
import { adapt, giveToRoot, object } from './captured-configs.ts';
import { generatedConfig } from './generated-configs.ts';
import { walkPlan } from './plan-walk.ts';
import { isExecutable, needsStrace, sharedFolder } from './support.ts';
import { type TracedCall, tracedCalls } from './trace.ts';

/** Both engines compile the same plan; the second one shows it for some. */
const COUNT = isExecutable ? 50 : 5;

function announced(box: Sandbox, container: Container): PlanJson {
  return JSON.parse(ok(box.command(['plan', '--bundle', container.bundle, '--format', 'json'], {})).stdout);
}

/** The calls of init, the execve of the program included. */
function madeBy(box: Sandbox, container: Container): readonly TracedCall[] {
  const file = join(box.directory, `calls-of-${container.id}`);
  // Numbers, and not names of flags: they are what is compared.
  ok(container.run({ prelude: `set -- strace -f -qq -X raw -s 8192 -e signal=none -o '${file}' "$@"` }));
  const calls = tracedCalls(readFileSync(file, 'utf8').trimEnd().split('\n'));
  const image = calls.findIndex(
    ({ name, args, error }) => name === 'execve' && args[1] === '["runt", "init"]' && error === undefined,
  );
  const launcher = calls[image]?.pid;
  const birth = calls.findIndex(({ pid, name }, index) => index > image && pid === launcher && name === 'clone3');
  const own = calls.filter(({ pid }, index) => index > birth && BigInt(pid) === calls[birth]?.result);
  const executed = own.findIndex(({ name, result }) => name === 'execve' && result === 0n);
  assert.ok(executed >= 0, 'init has not executed the program');
  // What follows are the program's own.
  return own.slice(0, executed + 1);
}

function compare(box: Sandbox, container: Container): void {
  const plan = announced(box, container);
  const { calls, compared, uncompared } = walkPlan(plan, madeBy(box, container), container.id);
  assert.ok(calls > 60, `${calls} calls`);
  // Structures and addresses are shown by neither side as a number.
  assert.ok(compared > 2 * uncompared, `${compared} of ${compared + uncompared} arguments could be compared`);
}

const folder = isExecutable ? sharedFolder('configs') : undefined;
const captured =
  folder === undefined
    ? []
    : readdirSync(folder)
        .filter((name) => !name.startsWith('exec'))
        .sort();
for (const name of captured) {
  check(
    `the calls of init are those that the plan announces: ${name}, captured from an engine`,
    { skip: needsStrace },
    (box) => {
      const container = box.container((_, place) => {
        const config = object(JSON.parse(readFileSync(join(folder ?? '', name), 'utf8')));
        adapt(config, box, place);
        return config;
      });
      giveToRoot(container);
      compare(box, container);
    },
  );
}
check(
  'the calls of init are those that the plan announces: cgroups in a user namespace, without a cgroup namespace',
  { skip: needsStrace },
  (box) => {
    const container = box.container((config) => {
      const { linux } = config;
      linux.namespaces = ['mount', 'pid', 'ipc', 'network', 'uts', 'user'].map((type) => ({ type }));
      delete linux.devices;
      linux.uidMappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
      linux.gidMappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
      config.mounts = [
        ...config.mounts.filter(({ destination }) => destination !== '/sys/fs/cgroup'),
        {
          destination: '/sys/fs/cgroup',
          type: 'cgroup',
          source: 'cgroup',
          options: ['nosuid', 'noexec', 'nodev', 'ro'],
        },
      ];
    });
    giveToRoot(container);
    compare(box, container);
  },
);
for (let seed = captured.length + 1; seed <= COUNT; seed++) {
  check(`the calls of init are those that the plan announces: config ${seed}`, { skip: needsStrace }, (box) => {
    compare(box, box.container(generatedConfig(seed, box)));
  });
}
