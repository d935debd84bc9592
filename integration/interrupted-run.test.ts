// A foreground `run` that is interrupted while its container is still being made: what is on a terminal's Ctrl-C, and goes to all processes of
// the job at once.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Container, check, ok, refused, type Sandbox } from '../conformance/harness/index.ts';
import { lasting, needsExecutable, seeded } from './support.ts';

const inJob: string | false =
  spawnSync('setsid', ['--version'], { stdio: 'ignore' }).status === 0 ? false : 'needs setsid';
const skip = needsExecutable || inJob;
const ROUNDS = 40;

/** A hook on the host that sends the signal to the job of the runtime, and then waits for the end of who called it. */
function interrupting(signal: string, target: string) {
  const script = [
    'engine=$PPID',
    'set -- $(cut -d ")" -f 2 /proc/$engine/stat)',
    // Its state, parent and process group.
    `job=-$3; kill -${signal} ${target}`,
    'while kill -0 $engine 2>/dev/null; do sleep 0.01; done',
  ].join('\n');
  return { path: '/bin/sh', args: ['sh', '-c', script], env: ['PATH=/usr/bin:/bin'] };
}

for (const [signal, number, target] of [
  ['INT', 2, '$job'],
  ['TERM', 15, '$job'],
  ['KILL', 9, '$engine'],
] as const) {
  check(
    `a run whose making is ended by SIG${signal} ends with ${128 + number}, and leaves nothing`,
    { skip },
    (box) => {
      const container = lasting(box);
      container.configure((config) => {
        config.process.args = ['/bin/sleep', '300'];
        config.hooks = { createRuntime: [interrupting(signal, target)] };
      });
      const pidFile = join(box.directory, 'pid');
      const result = container.run({ prelude: 'set -- setsid --wait "$@"', flags: ['--pid-file', pidFile] });
      assert.equal(result.status, 128 + number, result.stderr);
      refused(container.stateResult(), /does not exist/);
      assert.equal(existsSync(pidFile), false);
      box.assertNothingLeft();
    },
  );
}

check('what another has made under the same id is not touched', { skip }, (box) => {
  const other = lasting(box);
  ok(other.create());
  const run = (seconds: string) =>
    other.run({
      prelude: `set -- setsid --wait sh -c '"$@" & sleep ${seconds}; trap "" TERM; kill -TERM 0; wait $!' sh "$@"`,
    });
  for (const seconds of ['0.002', '0.005', '0.01', '0.015']) {
    assert.notEqual(run(seconds).status, 0);
    assert.equal(other.state().status, 'created');
  }
});

check(
  `a run whose job is interrupted at any of ${ROUNDS} moments leaves nothing, or what delete --force removes`,
  { skip },
  (box, context) => {
    const container = lasting(box);
    container.configure((config) => {
      config.process.args = ['/bin/sh', '-c', 'trap "exit 9" TERM; while :; do sleep 0.02; done'];
    });
    const random = seeded(7);
    const found: string[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const seconds = (((round + random()) / ROUNDS) * 0.12).toFixed(5);
      // A program that has just begun may have missed the first.
      const script = `"$@" & sleep ${seconds}; trap "" TERM; kill -TERM 0; while kill -TERM $! 2>/dev/null; do sleep 0.1; done; wait $!`;
      const { status } = container.run({ prelude: `set -- setsid --wait sh -c '${script}' sh "$@"` });
      assert.ok(status === 143 || status === 9, `it ended with ${status}`);
      found.push(`${status} ${settled(box, container)}`);
    }
    const kinds = [...new Set(found)].sort();
    context.diagnostic(kinds.map((kind) => `${kind}: ${found.filter((other) => other === kind).length}`).join(', '));
  },
);

/** How the container was found; it is gone afterwards. */
function settled(box: Sandbox, container: Container): string {
  const result = container.stateResult();
  const status = result.status === 0 ? (JSON.parse(result.stdout) as { status: string }).status : 'absent';
  ok(container.delete({ flags: ['--force'] }));
  box.assertNothingLeft();
  return status;
}
