// A runtime that is killed in the middle: never a process in a container that `state` does not know, and `delete --force` removes all.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Config,
  type Container,
  check,
  ok,
  processesOf,
  refused,
  type Sandbox,
  waitFor,
} from '../conformance/harness/index.ts';
import { isExecutable, lasting, seeded } from './support.ts';

/** Node.js takes four times as long for each. */
const ROUNDS = isExecutable ? 200 : 40;
const FEWER_ROUNDS = ROUNDS / 4;

/** Milliseconds that the command takes, a little more than usual. `before` is not counted, nor is `after`. */
function measure(command: () => void, before: () => void, after: () => void): number {
  const durations: number[] = [];
  for (let index = 0; index < 7; index++) {
    before();
    const begin = performance.now();
    command();
    durations.push(performance.now() - begin);
    after();
  }
  return (durations.sort((a, b) => a - b)[3] ?? 0) * 1.2;
}

/** SIGKILL for the runtime alone after so many milliseconds. */
function killedAfter(milliseconds: number): { readonly prelude: string } {
  return { prelude: `set -- timeout --foreground -s KILL ${(milliseconds / 1000).toFixed(5)} "$@"` };
}

/** Those of the test: others may mount and unmount meanwhile. */
const mountsOf = ({ token }: Sandbox) =>
  readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line.includes(token));

/** Whatever was killed: what lives is known, and goes with `delete --force`. Returns the status that it was found in. */
function assertRecoverable(box: Sandbox, container: Container, mounts: readonly string[]): string {
  // What init was doing when the runtime died it does to its end, which is near: then it learns of it.
  const status = waitFor('a settled container', () => {
    const result = container.stateResult();
    const state = result.status === 0 ? (JSON.parse(result.stdout) as { status: string; pid: number }) : undefined;
    assert.notEqual(state?.status, 'creating', 'nobody is creating it any more');
    const living = processesOf(container.id);
    if (state?.status === 'created' || state?.status === 'running') {
      if (living.length > 0 && living.every((line) => line.startsWith(`process ${state.pid}:`))) return state.status;
    } else if (living.length === 0) return state?.status ?? 'absent';
    return undefined;
  });
  ok(container.delete({ flags: ['--force'] }));
  box.assertNothingLeft();
  assert.deepEqual(mountsOf(box), mounts, 'the mount table of the host is as before');
  return status;
}

function summary(found: readonly string[]): string {
  const kinds = [...new Set(found)].sort();
  return kinds.map((kind) => `${found.filter((status) => status === kind).length} ${kind}`).join(', ');
}

/** Creates that are killed at as many moments, spread over the whole of it, and then later and later until one has come to its end. */
function killCreates(box: Sandbox, container: Container, rounds: number): string {
  const mounts = mountsOf(box);
  const duration = measure(
    () => ok(container.create(killedAfter(10_000))),
    () => {},
    () => ok(container.delete({ flags: ['--force'] })),
  );
  const random = seeded(2);
  const found: string[] = [];
  // A machine that is busier than it was a moment ago takes longer than was measured.
  for (let round = 0; round < rounds || !found.includes('created'); round++) {
    container.create(killedAfter(((round + random()) / rounds) * duration));
    found.push(assertRecoverable(box, container, mounts));
  }
  return `killed within ${duration.toFixed(0)} ms: ${summary(found)}`;
}

check(
  `a create that is killed at any of ${ROUNDS} moments leaves nothing that delete --force does not remove`,
  (box, context) => context.diagnostic(killCreates(box, lasting(box), ROUNDS)),
);

/** The runtime has one thing more to do: init waits for its maps. */
function lastingInUserNamespace(config: Config): void {
  config.process.args = ['/bin/sleep', '300'];
  config.linux.namespaces.push({ type: 'user' });
  config.linux.uidMappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
  config.linux.gidMappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
}

check(
  `a create with a user namespace that is killed at any of ${FEWER_ROUNDS} moments leaves nothing that delete --force does not remove`,
  (box, context) => context.diagnostic(killCreates(box, box.container(lastingInUserNamespace), FEWER_ROUNDS)),
);

check(
  `a start that is killed at any of ${FEWER_ROUNDS} moments leaves a created or a running container`,
  (box, context) => {
    const container = lasting(box);
    const mounts = mountsOf(box);
    const duration = measure(
      () => ok(container.start(killedAfter(10_000))),
      () => ok(container.create()),
      () => ok(container.delete({ flags: ['--force'] })),
    );
    const random = seeded(3);
    const found: string[] = [];
    for (let round = 0; round < FEWER_ROUNDS; round++) {
      ok(container.create());
      container.start(killedAfter(((round + random()) / FEWER_ROUNDS) * duration));
      const { status } = container.state();
      assert.ok(status === 'created' || status === 'running', `it is ${status}`);
      found.push(status);
      // The one that was killed may have given the order just before, and init obey it only now.
      const again = container.start();
      if (status === 'running' || again.status !== 0) refused(again, /cannot start an already running container/);
      assert.equal(assertRecoverable(box, container, mounts), 'running');
    }
    context.diagnostic(`killed within ${duration.toFixed(0)} ms: ${summary(found)}`);
  },
);

check(`a delete that is killed at any of ${FEWER_ROUNDS} moments is finished by the next one`, (box) => {
  const container = lasting(box);
  const mounts = mountsOf(box);
  const duration = measure(
    () => ok(container.delete({ ...killedAfter(10_000), flags: ['--force'] })),
    () => ok(container.create()),
    () => {},
  );
  const random = seeded(4);
  for (let round = 0; round < FEWER_ROUNDS; round++) {
    ok(container.create());
    container.delete({ ...killedAfter(((round + random()) / FEWER_ROUNDS) * duration), flags: ['--force'] });
    assertRecoverable(box, container, mounts);
  }
});

check(
  `a pause or resume that is killed at any of ${FEWER_ROUNDS} moments leaves a container that can be paused and resumed`,
  (box) => {
    const container = lasting(box);
    const mounts = mountsOf(box);
    ok(container.create());
    ok(container.start());
    const duration = measure(
      () => ok(container.pause(killedAfter(10_000))),
      () => {},
      () => ok(container.resume()),
    );
    const random = seeded(5);
    for (let round = 0; round < FEWER_ROUNDS; round++) {
      container.pause(killedAfter(((round + random()) / FEWER_ROUNDS) * duration));
      if (container.state().status === 'running') ok(container.pause());
      assert.equal(container.state().status, 'paused');
      container.resume(killedAfter(((round + random()) / FEWER_ROUNDS) * duration));
      if (container.state().status === 'paused') ok(container.resume());
      assert.equal(container.state().status, 'running');
    }
    container.pause(killedAfter(duration / 2));
    ok(container.delete({ flags: ['--force'] }));
    box.assertNothingLeft();
    assert.deepEqual(mountsOf(box), mounts);
  },
);

check('a create whose init is killed fails, says so, and leaves nothing', (box) => {
  // The pid is in the state that the hook reads; the hook runs on the host, while init waits.
  const script = `kill -KILL "$(grep -o '"pid":[0-9]*' | cut -d : -f 2)"`;
  const container = box.container((config) => {
    config.hooks = { createRuntime: [{ path: '/bin/sh', args: ['sh', '-c', script], env: ['PATH=/usr/bin:/bin'] }] };
  });
  for (const command of [container.create, container.run]) {
    refused(command(), /init ended without a word while it prepared the container/);
    refused(container.stateResult(), /does not exist/);
    box.assertNothingLeft();
  }
});

check('a run that is killed leaves its container running, known and removable', (box) => {
  const container = box.container((config) => {
    config.root.readonly = false;
    config.process.args = ['/bin/sh', '-c', '>/tmp/begun; exec sleep 300'];
  });
  const mounts = mountsOf(box);
  const begun = join(container.rootfs, 'tmp/begun');
  const killedLater = `"$@" & until [ -e ${begun} ]; do sleep 0.01; done; kill -KILL $!; wait $!`;
  const result = container.run({ prelude: `set -- sh -c '${killedLater}' sh "$@"` });
  assert.equal(result.status, 137);
  assert.equal(container.state().status, 'running');
  assert.equal(assertRecoverable(box, container, mounts), 'running');
});
