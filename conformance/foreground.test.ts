// `run` that stays, with a terminal: the caller's terminal and the container's are one, byte for byte, and the caller's is as before when
// the command has ended, however that was.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Config,
  type Container,
  check,
  ok,
  openPseudoTerminal,
  patience,
  readTerminal,
  runtimePath,
  type Sandbox,
  startScript,
  waitFor,
} from './harness/index.ts';

const needsTerminal = { knownToFail: { runc: 'runs in the foreground only with a terminal of its own' } };

function withTerminal(box: Sandbox, script: string, edit?: (config: Config) => void): Container {
  return box.container((config) => {
    config.process.terminal = true;
    config.process.args = ['/bin/sh', '-c', script];
    edit?.(config);
  });
}

/** The command line that runs the container, for a shell. */
function runLine(box: Sandbox, container: Container, ...flags: string[]): string {
  return ['"$RUNTIME"', '--root', box.root, 'run', ...flags, '--bundle', container.bundle, container.id].join(' ');
}

/** Runs a shell script to its end; returns its standard output. */
function shell(script: string): string {
  const { status, stdout, stderr } = spawnSync('/bin/sh', ['-c', script], {
    encoding: 'latin1',
    maxBuffer: 1 << 30,
    timeout: 60_000 * patience,
    killSignal: 'SIGKILL',
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, RUNTIME: runtimePath },
  });
  assert.equal(status, 0, `${script}: ${stderr}${stdout.slice(-1000)}`);
  return stdout;
}

/** A terminal on which `run` was started in a shell, which says how it ended: `status N`. */
function onTerminal(box: Sandbox, container: Container, size: [number, number] = [24, 80]) {
  const terminal = openPseudoTerminal();
  terminal.resize(...size);
  const before = terminal.attributes();
  const { slave } = terminal;
  const pidFile = join(box.directory, 'pid');
  const script = `echo $$ >${box.directory}/shell; ${runLine(box, container, '--pid-file', pidFile)}; echo "status $?"`;
  startScript(script, { stdio: [slave, slave, slave], controlling: true });
  return {
    ...terminal,
    until: (pattern: RegExp) => readTerminal(terminal.master, pattern),
    /** The runtime's pid. */
    runtime(): number {
      const parent = Number(readFileSync(join(box.directory, 'shell'), 'utf8'));
      return waitFor('the runtime', () => {
        const children = readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').trim();
        return children === '' ? undefined : Number(children.split(' ')[0]);
      });
    },
    assertRestored: () => assert.equal(terminal.attributes(), before, 'the terminal is as before'),
    assertRaw: () => assert.notEqual(terminal.attributes(), before, 'the terminal is raw'),
  };
}

check('what is typed reaches the program, what it writes the terminal, its exit status the caller', (box) => {
  const container = withTerminal(box, 'busybox stty -echo; echo ready; read line; echo "got <$line>"; exit 7');
  const terminal = onTerminal(box, container);
  terminal.until(/ready/);
  terminal.assertRaw();
  terminal.type('some words\r');
  assert.match(terminal.until(/status \d+/), /got <some words>\r\nstatus 7/);
  terminal.assertRestored();
  terminal.close();
});

check('the interrupt character goes to the program, not to the runtime', (box) => {
  const terminal = onTerminal(
    box,
    withTerminal(box, 'trap "echo trapped; exit 5" INT; echo ready; while :; do sleep 0.1; done'),
  );
  terminal.until(/ready/);
  terminal.type('\x03');
  terminal.until(/trapped.*status 5/s);
  terminal.assertRestored();
  terminal.close();
});

check(
  'the terminal has the size of the caller, and follows it',
  { knownToFail: { runc: 'race: sets the size when the program runs' } },
  (box) => {
    const script = 'trap "busybox stty size" WINCH; busybox stty size; echo ready; while :; do sleep 0.05; done';
    const terminal = onTerminal(box, withTerminal(box, script), [41, 123]);
    terminal.until(/41 123.*ready/s);
    terminal.resize(50, 99);
    terminal.until(/50 99/);
    spawnSync(runtimePath, ['--root', box.root, 'kill', box.token.concat('-1'), 'KILL']);
    terminal.until(/status 137/);
    terminal.assertRestored();
    terminal.close();
  },
);

check('a signal to the runtime is passed on, and the terminal is restored', (box) => {
  const terminal = onTerminal(
    box,
    withTerminal(box, 'trap "echo told; exit 9" TERM; echo ready; while :; do sleep 0.1; done'),
  );
  terminal.until(/ready/);
  process.kill(terminal.runtime(), 'SIGTERM');
  terminal.until(/told.*status 9/s);
  terminal.assertRestored();
  terminal.close();
});

check(
  'the terminal is restored also when the runtime is killed, and the program is told by a hang-up',
  { knownToFail: { runc: 'leaves the terminal raw', crun: 'leaves the terminal raw' } },
  (box) => {
    // A shell may miss what comes just before it waits: it looks again and again.
    const container = withTerminal(box, 'trap "exit 0" HUP; echo ready; while :; do sleep 0.1; done');
    const terminal = onTerminal(box, container);
    terminal.until(/ready/);
    process.kill(terminal.runtime(), 'SIGKILL');
    terminal.until(/status 137/);
    container.waitForStatus('stopped');
    waitFor('the terminal to be restored', () => {
      try {
        terminal.assertRestored();
        return true;
      } catch {
        return false;
      }
    });
    terminal.close();
  },
);

check('a start that fails leaves the terminal as it was', (box) => {
  const container = box.container((config) => {
    config.process.terminal = true;
    config.process.args = ['/no/such/program'];
  });
  const terminal = onTerminal(box, container);
  assert.match(terminal.until(/status \d+/), /no such file/);
  terminal.assertRestored();
  terminal.close();
  box.assertNothingLeft();
});

// --- without a terminal of the caller's -----------------------------------------------------------------------------

check('100 MB go through a terminal into a pipe byte for byte', needsTerminal, (box) => {
  const container = withTerminal(box, 'cat /data');
  const block = randomBytes(1_000_000);
  const data = Buffer.concat(Array.from({ length: 100 }, () => block));
  writeFileSync(join(container.rootfs, 'data'), data);
  const sum = createHash('sha256').update(data).digest('hex');
  assert.equal(shell(`${runLine(box, container)} </dev/null | sha256sum`).split(' ')[0], sum);
});

check('10 MB go from a pipe through a raw terminal to the program byte for byte', needsTerminal, (box) => {
  const size = 10_000_000;
  const container = withTerminal(box, `busybox stty raw -echo; echo ready; head -c ${size} | busybox sha256sum`);
  const data = randomBytes(size);
  const file = join(box.directory, 'data');
  writeFileSync(file, data);
  const sum = createHash('sha256').update(data).digest('hex');
  // The writer waits until the terminal is raw.
  const out = join(box.directory, 'out');
  const feed = `until grep -q ready ${out}; do sleep 0.05; done; cat ${file}`;
  shell(`: >${out}; (${feed}) | ${runLine(box, container)} >${out}`);
  assert.match(readFileSync(out, 'utf8'), new RegExp(sum));
});

check('the last bytes before the end arrive', needsTerminal, (box) => {
  const text = 'x'.repeat(50_000);
  for (let time = 0; time < 5; time++) {
    const container = withTerminal(box, `cat /text; echo END`);
    writeFileSync(join(container.rootfs, 'text'), text);
    assert.equal(shell(`${runLine(box, container)} </dev/null | cat`), `${text}END\n`);
  }
});

check(
  'the end of input that is no terminal is the end of input of a program that reads lines',
  { knownToFail: { runc: 'the program waits for ever', crun: 'the program waits for ever' } },
  (box) => {
    for (const input of ['one\ntwo\n', 'one\ntwo', '']) {
      const container = withTerminal(box, 'busybox stty -echo; echo ready; busybox wc -c');
      const out = join(box.directory, 'out');
      const feed = `until grep -q ready ${out}; do sleep 0.05; done; printf '${input}'`;
      shell(`: >${out}; (${feed}) | ${runLine(box, container)} >${out}`);
      assert.equal(readFileSync(out, 'utf8'), `ready\n${input.length}\n`);
    }
  },
);

check('a program goes on when the input has ended', needsTerminal, (box) => {
  const container = withTerminal(box, 'sleep 0.3; echo later');
  assert.equal(shell(`${runLine(box, container)} </dev/null`), 'later\n');
});

check('a program is told, by a hang-up, that nobody reads its terminal any more', needsTerminal, (box) => {
  const container = withTerminal(box, 'exec busybox yes line');
  assert.match(shell(`${runLine(box, container)} </dev/null | head -n 2`), /^line\nline\n$/);
  box.assertNothingLeft();
});

check('all arrives where the output is a pipe that does not block, which stays so', needsTerminal, (box) => {
  const container = withTerminal(box, 'busybox seq 1 100000');
  // The reader is slow at first; perl sets and reads O_NONBLOCK of the open file that all share.
  const flag = `perl -e 'use Fcntl; $f = fcntl(STDOUT, F_GETFL, 0);`;
  const set = `${flag} fcntl(STDOUT, F_SETFL, $f | O_NONBLOCK)'`;
  const get = `${flag} print STDERR $f & O_NONBLOCK ? "nonblocking" : "blocking"' 2>${box.directory}/flag`;
  const output = shell(`(${set}; ${runLine(box, container)} </dev/null; ${get}) | (sleep 0.5; cat)`);
  assert.equal(output, `${Array.from({ length: 100_000 }, (_, index) => index + 1).join('\n')}\n`);
  assert.equal(readFileSync(join(box.directory, 'flag'), 'utf8'), 'nonblocking');
});

check('a terminal works where the caller has closed its standard streams', needsTerminal, (box) => {
  const container = withTerminal(box, 'echo written; exit 4');
  assert.equal(shell(`${runLine(box, container)} <&- >&- 2>&-; echo $?`), '4\n');
});

check('--keep leaves the stopped container', needsTerminal, (box) => {
  const container = withTerminal(box, 'echo ran');
  assert.equal(shell(`${runLine(box, container, '--keep')} </dev/null`), 'ran\n');
  assert.equal(container.state().status, 'stopped');
  ok(container.delete());
});
