// kill and state by the front: no engine runs, what they do and print is what an engine does and prints, and what is frozen is not overlooked.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  type Config,
  type Container,
  check,
  isV2,
  ok,
  processesOf,
  type Result,
  refused,
  runtimePath,
  type Sandbox,
  waitFor,
} from '../conformance/harness/index.ts';
import { bundleOf, prepare } from './bundles.ts';
import { enginesOf, inBackground, lasting, needsExecutable, needsStrace, straced } from './support.ts';

const skip = needsExecutable || needsStrace;

interface Traced extends Result {
  readonly engines: number;
}

/** Of a command that succeeds. */
function traced(box: Sandbox, command: (prelude: string) => Result): Traced {
  const trace = straced(box, 'trace=execve');
  const result = ok(command(trace.prelude));
  return { ...result, engines: enginesOf(trace.lines()).length };
}

const SIGNALS = ['HUP', 'INT', 'QUIT', 'USR1', 'USR2', 'TERM', 'CONT', 'WINCH', 'RTMIN+3'];

function listening(config: Config): void {
  const traps = SIGNALS.map((name) => `trap "echo got ${name}" ${name === 'RTMIN+3' ? '37' : name}`);
  config.process.args = ['/bin/sh', '-c', [...traps, 'echo ready', 'while :; do sleep 300 & wait $!; done'].join('\n')];
}

check('state is printed without an engine as an engine prints it', { skip }, (box) => {
  const container = box.container((config) => {
    config.process.args = ['/bin/sleep', '300'];
    config.annotations = { 'a "quoted" \\ name': 'ä\n\u0001', '"pid": 0,\n  "status": "stopped"': 'here' };
  });
  const engine = join(dirname(runtimePath), 'runt-engine');
  const same = (status: string): void => {
    const shown = traced(box, (prelude) => container.stateResult({ prelude }));
    assert.equal(shown.engines, 0);
    assert.match(shown.stdout, new RegExp(`"status": "${status}"`));
    const { stdout } = spawnSync(engine, ['--root', box.root, 'state', container.id], { encoding: 'utf8' });
    assert.equal(shown.stdout, stdout);
  };
  ok(container.create());
  same('created');
  ok(container.start());
  same('running');
  ok(container.kill('KILL'));
  container.waitForStatus('stopped');
});

check('a signal is sent without an engine: by number, by name, with SIG, or SIGTERM by default', { skip }, (box) => {
  const container = box.container(listening);
  ok(container.create());
  ok(container.start());
  container.waitForOutput(/ready/);
  const told = (signal: string | undefined, name: string, engines: number): void => {
    const before = container.stdout().length;
    assert.equal(traced(box, (prelude) => container.kill(signal, { prelude })).engines, engines, signal);
    waitFor(`${name} of ${signal}`, () => container.stdout().slice(before) === `got ${name}\n`);
  };
  for (const [signal, name] of [
    [undefined, 'TERM'],
    ['15', 'TERM'],
    ['TERM', 'TERM'],
    ['SIGTERM', 'TERM'],
    ['1', 'HUP'],
    ['SIGHUP', 'HUP'],
    ['INT', 'INT'],
    ['QUIT', 'QUIT'],
    ['USR1', 'USR1'],
    ['SIGUSR2', 'USR2'],
    ['10', 'USR1'],
    ['CONT', 'CONT'],
    ['WINCH', 'WINCH'],
    ['37', 'RTMIN+3'],
  ] as const)
    told(signal, name, 0);
  // The rarer spellings are an engine's, and just as good.
  for (const [signal, name] of [
    ['term', 'TERM'],
    ['015', 'TERM'],
    ['RTMIN+3', 'RTMIN+3'],
  ] as const)
    told(signal, name, 1);
  for (const wrong of ['65', '100', '9x', '1 ', 'TERMX', 'SIG', 'SIG9']) refused(container.kill(wrong), /signal/);
  assert.equal(container.state().status, 'running');
  assert.equal(traced(box, (prelude) => container.kill('9', { prelude })).engines, 0);
  container.waitForStatus('stopped');
  refused(container.kill('9'), /container not running/);
  ok(container.delete());
});

/** Signals that a process has handlers for. */
function caught(pid: number): number[] {
  const bits = BigInt(`0x${/^SigCgt:\s+(\w+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '0'}`);
  return Array.from({ length: 64 }, (_, index) => index + 1).filter((number) => (bits >> BigInt(number - 1)) & 1n);
}

check(
  'a container that was made without an engine is signalled without one, and its state is known',
  { skip },
  (box) => {
    const wait = 'trap "exit 7" TERM; while [ -e /wait ]; do sleep 0.02; done';
    const container = bundleOf(box, wait);
    prepare(container);
    writeFileSync(join(container.rootfs, 'wait'), '');
    const trace = join(box.directory, 'trace');
    const strace = ['strace', '-f', '-qq', '-e', 'trace=execve', '-o', trace];
    const run = inBackground(box, ['run', '--bundle', container.bundle, container.id], strace);
    waitFor('the container', () => container.stateResult().status === 0);
    const { pid } = container.waitForStatus('running');
    waitFor('the trap', () => caught(pid ?? 0).includes(15));
    assert.equal(traced(box, (prelude) => container.kill('TERM', { prelude })).engines, 0);
    assert.equal(run.status(), 7);
    assert.deepEqual(enginesOf(readFileSync(trace, 'utf8').split('\n')), []);
  },
);

/** By somebody else than us. */
function freezeByHand(directory: string): void {
  if (isV2) writeFileSync(`${directory}/cgroup.freeze`, '1');
  else {
    waitFor('a frozen cgroup', () => {
      writeFileSync(`${directory}/freezer.state`, 'FROZEN');
      return readFileSync(`${directory}/freezer.state`, 'utf8') === 'FROZEN\n';
    });
  }
}

function freezerOf(pid: number): string {
  const lines = readFileSync(`/proc/${pid}/cgroup`, 'utf8').trimEnd().split('\n');
  const line = lines.map((text) => text.split(':')).find(([, names = '']) => names === (isV2 ? '' : 'freezer'));
  return `${isV2 ? '/sys/fs/cgroup' : '/sys/fs/cgroup/freezer'}${line?.[2] ?? ''}`;
}

function running(box: Sandbox): Container {
  const container = lasting(box);
  ok(container.create());
  ok(container.start());
  return container;
}

check('a container that is paused, by whomever, is shown as paused, and dies of SIGKILL', { skip }, (box) => {
  for (const pause of [
    (container: Container) => void ok(container.pause()),
    (container: Container) => freezeByHand(freezerOf(container.pid())),
  ]) {
    const container = running(box);
    pause(container);
    assert.equal(container.waitForStatus('paused').status, 'paused');
    ok(container.kill('KILL'));
    container.waitForStatus('stopped');
    ok(container.delete());
  }
});

check('a container with a frozen cgroup below its own dies of SIGKILL', { skip }, (box) => {
  const container = running(box);
  const pid = container.pid();
  ok(container.exec(['/bin/sleep', '300'], { flags: ['--detach'] }));
  const other = waitFor('the second process', () =>
    processesOf(container.id)
      .map((line) => Number(/process (\d+):/.exec(line)?.[1]))
      .find((found) => found !== pid),
  );
  const below = `${freezerOf(pid)}/below`;
  mkdirSync(below);
  writeFileSync(`${below}/cgroup.procs`, String(other));
  freezeByHand(below);
  ok(container.kill('KILL'));
  container.waitForStatus('stopped');
  waitFor('an empty cgroup', () => {
    try {
      rmdirSync(below);
      return true;
    } catch {
      return false;
    }
  });
  ok(container.delete());
});

check('a process that has got the pid of an init that is gone is not signalled', { skip }, (box) => {
  const container = running(box);
  const started =
    readFileSync(`/proc/${container.pid()}/stat`, 'latin1')
      .replace(/^.*\) /s, '')
      .split(' ')[19] ?? '';
  // As if that had been started earlier: in all that is written down of it.
  const files = ['front', 'state.json'].map((name) => join(box.root, container.id, name));
  const texts = files.map((file) => readFileSync(file, 'latin1'));
  for (const [index, file] of files.entries()) {
    assert.ok(texts[index]?.includes(started));
    writeFileSync(file, texts[index]?.replaceAll(started, '1'.padStart(started.length, '1')) ?? '', 'latin1');
  }
  refused(container.kill('KILL'), /container not running/);
  assert.equal(container.state().status, 'stopped');
  for (const [index, file] of files.entries()) writeFileSync(file, texts[index] ?? '', 'latin1');
  assert.equal(container.state().status, 'running');
});
