// A foreground `run` of the executable: what waits for the program, and what becomes of it where that does not go smoothly.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Container,
  cgroupsOf,
  check,
  ok,
  runtimePath,
  type Sandbox,
  waitFor,
} from '../conformance/harness/index.ts';
import { type Background, childrenOf, inBackground, lasting, needsExecutable } from './support.ts';

function runInBackground(box: Sandbox, { bundle, id }: Container): Background {
  return inBackground(box, ['run', '--bundle', bundle, id]);
}

function untilRunning(container: Container): void {
  waitFor('a running container', () => {
    const { status, stdout } = container.stateResult();
    return status === 0 && JSON.parse(stdout).status === 'running' ? true : undefined;
  });
}

check(
  'what waits for the program has at most 32 KiB of its own and its file of 144, and no engine beside it',
  { skip: needsExecutable },
  (box) => {
    const container = lasting(box);
    const run = runInBackground(box, container);
    untilRunning(container);
    waitFor('the end of the engine', () =>
      childrenOf(run.pid).every(({ name }) => name === 'sleep') ? true : undefined,
    );
    const smaps = readFileSync(`/proc/${run.pid}/smaps_rollup`, 'utf8');
    const [rss, own] = ['Rss', 'Private_Dirty'].map((name) =>
      Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(smaps)?.[1]),
    );
    assert.ok(own !== undefined && own > 0 && own <= 32, `${own} KiB`);
    assert.ok(rss !== undefined && rss - own <= 144, `${rss} KiB`);
    ok(container.kill('KILL'));
    assert.equal(run.status(), 137);
    box.assertNothingLeft();
  },
);

check(
  'a signal that comes while the container is made is passed on to its program',
  { skip: needsExecutable },
  (box) => {
    const container = box.container((config) => {
      config.process.args = ['/bin/sh', '-c', 'trap "exit 9" USR1; while :; do sleep 1; done'];
      config.hooks = {
        createRuntime: [
          { path: '/bin/sh', args: ['sh', '-c', `kill -USR1 $(cat ${box.directory}/run.pid); sleep 0.1`] },
        ],
      };
    });
    // The hook needs to know whom to signal before the container is there: the shell tells it.
    const file = join(box.directory, 'run');
    const words = [runtimePath, '--root', box.root, 'run', '--bundle', container.bundle, container.id];
    const script = 'echo $$ >"$0.pid"; exec "$@"';
    const shell = spawn('sh', ['-c', `sh -c '${script}' "$0" "$@"; echo $? >"$0.status"`, file, ...words], {
      stdio: 'ignore',
    });
    shell.unref();
    // A program that has not set its trap yet is a pid 1 that does not hear the signal: it may come too early for it.
    untilRunning(container);
    const status = waitFor('the end of run', () => {
      container.kill('USR1');
      return existsSync(`${file}.status`) ? readFileSync(`${file}.status`, 'utf8') : undefined;
    });
    assert.equal(Number(status), 9, 'and the front has lived through it');
  },
);

check(
  'an engine that is killed while it makes the container ends run with its signal, and leaves nothing',
  { skip: needsExecutable },
  (box) => {
    const container = box.container((config) => {
      // $PPID of the hook is the engine.
      config.hooks = { createRuntime: [{ path: '/bin/sh', args: ['sh', '-c', 'kill -KILL $PPID'] }] };
    });
    const run = runInBackground(box, container);
    assert.equal(run.status(), 137);
    box.assertNothingLeft();
  },
);

check(
  'where the front can not remove the container an engine does, and the status stays the program’s',
  { skip: needsExecutable },
  (box) => {
    const container = box.container((config) => {
      config.process.args = ['/bin/sh', '-c', 'trap "exit 5" USR1; while :; do sleep 1; done'];
    });
    const run = runInBackground(box, container);
    untilRunning(container);
    for (const line of cgroupsOf(container.id)) mkdirSync(join(line.replace(/^cgroup /, ''), 'inner'));
    waitFor('the end of run', () => {
      container.kill('USR1');
      return run.hasEnded() ? true : undefined;
    });
    assert.equal(run.status(), 5);
    box.assertNothingLeft();
  },
);

check(
  'a container that the front may not delete is left to the engine as a whole, with the signals',
  { skip: needsExecutable },
  (box) => {
    const container = box.container((config) => {
      config.process.args = ['/bin/sleep', '300'];
      config.hooks = { poststop: [{ path: '/bin/true' }] };
    });
    const run = runInBackground(box, container);
    untilRunning(container);
    process.kill(run.pid, 'SIGTERM'); // sleep is a pid 1 that does not listen
    ok(container.kill('KILL'));
    assert.equal(run.status(), 137);
    box.assertNothingLeft();
  },
);
