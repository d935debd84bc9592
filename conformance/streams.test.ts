// Standard streams without a terminal: the container has the caller's own; and the descriptors and sockets that callers pass on.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Container,
  check,
  type Edit,
  listenForDescriptor,
  listenForNotes,
  ok,
  patience,
  runtimePath,
  type Sandbox,
  sendNote,
  startScript,
  waitFor,
  waitForInput,
} from './harness/index.ts';

function withScript(box: Sandbox, script: string, edit?: Edit): Container {
  return box.container((config, place) => {
    config.process.args = ['/bin/sh', '-c', script];
    return edit?.(config, place);
  });
}

/** The command line of a command on the bundle, for a shell. */
function line(box: Sandbox, container: Container, command: string): string {
  return `"$RUNTIME" --root ${box.root} ${command} --bundle ${container.bundle} ${container.id}`;
}

function shell(script: string, env: NodeJS.ProcessEnv = {}): string {
  const { status, stdout, stderr } = spawnSync('/bin/sh', ['-c', script], {
    encoding: 'utf8',
    timeout: 30_000 * patience,
    killSignal: 'SIGKILL',
    env: { ...process.env, ...env, RUNTIME: runtimePath },
  });
  assert.equal(status, 0, `${script}: ${stderr}${stdout.slice(-1000)}`);
  return stdout;
}

check('a created container has the very files that create was given', (box) => {
  const container = withScript(
    box,
    'stat -L -c "%i %s" /proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2 >/proc/self/fd/1',
  );
  const input = join(box.directory, 'input');
  writeFileSync(input, 'something');
  const output = join(box.directory, 'output');
  const errors = join(box.directory, 'errors');
  shell(`${line(box, container, 'create')} <${input} >${output} 2>${errors}`);
  ok(container.start());
  container.waitForStatus('stopped');
  const inodes = readFileSync(output, 'utf8')
    .trim()
    .split('\n')
    .map((row) => Number(row.split(' ')[0]));
  assert.deepEqual(inodes, [statSync(input).ino, statSync(output).ino, statSync(errors).ino]);
});

check('standard input is read by the program to its end', (box) => {
  const text = 'line\n'.repeat(20_000);
  assert.equal(ok(withScript(box, 'cat; echo "end of input" >&2').run({ input: text })).stdout, text);
});

check('a program that is not root can open its standard output by name', (box) => {
  const container = withScript(box, 'echo opened >/dev/stdout; echo too >/dev/stderr', (config) => {
    config.process.user = { uid: 1000, gid: 1000 };
  });
  assert.equal(shell(`${line(box, container, 'run')} 2>&1 | cat`), 'opened\ntoo\n');
});

check('devices of the caller keep their owner', (box) => {
  const before = statSync('/dev/null');
  const container = withScript(box, 'true', (config) => {
    config.process.user = { uid: 1000, gid: 1000 };
  });
  shell(`${line(box, container, 'run')} <&1 >/dev/null 2>&1`);
  const after = statSync('/dev/null');
  assert.deepEqual([after.uid, after.gid, after.mode], [before.uid, before.gid, before.mode]);
});

check('streams that the caller has closed harm nobody', (box) => {
  for (const closed of ['<&-', '>&-', '2>&-', '<&- >&- 2>&-']) {
    const marker = join(box.directory, `ran${closed.replaceAll(/\W/g, '')}`);
    writeFileSync(marker, '');
    const container = withScript(box, 'ls -l /proc/self/fd >/marker; echo text; exit 3', (config) => {
      config.mounts.push({ destination: '/marker', type: 'bind', source: marker, options: ['bind'] });
    });
    assert.equal(
      shell(`(${line(box, container, 'run')} ${closed}); echo $?`)
        .trim()
        .split('\n')
        .at(-1),
      '3',
    );
    const streams = readFileSync(marker, 'utf8');
    assert.doesNotMatch(
      streams,
      / [012] -> (?!\/dev\/null|\/marker|pipe:|socket:)/,
      'a stream is nothing of the runtime',
    );
  }
});

check('a pipe that does not block stays one that does not, and one that blocks one that does', (box) => {
  const container = withScript(box, 'echo text');
  const perl = (code: string) => `perl -e 'use Fcntl; $f = fcntl(STDOUT, F_GETFL, 0); ${code}'`;
  const get = perl('print STDERR $f & O_NONBLOCK ? "nonblocking " : "blocking "');
  const flags = join(box.directory, 'flags');
  shell(`(${line(box, container, 'run')}; ${get} 2>>${flags}) | cat`);
  const other = withScript(box, 'echo text');
  shell(`(${perl('fcntl(STDOUT, F_SETFL, $f | O_NONBLOCK)')}; ${line(box, other, 'run')}; ${get} 2>>${flags}) | cat`);
  assert.equal(readFileSync(flags, 'utf8'), 'blocking nonblocking ');
});

// --- descriptors of the caller ----------------------------------------------------------------------------------------

/** A script that becomes the runtime, with a file as descriptor 3: what systemd does for a service with a socket. */
function activated(box: Sandbox, container: Container, variables: string, flags = ''): string {
  const file = join(box.directory, 'passed');
  writeFileSync(file, 'passed on');
  const command = line(box, container, `run ${flags}`);
  return `exec 3<${file}; sh -c 'export ${variables}; exec ${command}'`;
}

const SHOW = 'echo "$LISTEN_FDS $LISTEN_PID"; cat <&3';

check('the sockets of LISTEN_FDS are passed on, and are for the first process', (box) => {
  const container = withScript(box, SHOW);
  assert.equal(shell(activated(box, container, 'LISTEN_FDS=1 LISTEN_PID=$$')), '1 1\npassed on');
});

check('those of --preserve-fds come behind them', (box) => {
  const container = withScript(box, 'echo "$LISTEN_FDS"; cat <&4');
  const second = join(box.directory, 'second');
  writeFileSync(second, 'the second');
  assert.equal(
    shell(`exec 4<${second}; ${activated(box, container, 'LISTEN_FDS=1 LISTEN_PID=$$', '--preserve-fds 1')}`),
    '1\nthe second',
  );
});

check('the sockets of LISTEN_FDS are not passed on where they are for another process', (box) => {
  const container = withScript(box, 'echo "<$LISTEN_FDS>"; ls /proc/self/fd | wc -l');
  // 0, 1, 2, and that of ls.
  assert.equal(shell(activated(box, container, 'LISTEN_FDS=1 LISTEN_PID=1')), '<>\n4\n');
});

// --- a pidfd ------------------------------------------------------------------------------------------------------------

const sendsNoPidfd = { knownToFail: { runc: 'has --pidfd-socket from 1.2 on', crun: 'has no --pidfd-socket' } };

for (const command of ['create', 'run --detach']) {
  check(`${command} sends a pidfd of the first process to the pidfd socket`, sendsNoPidfd, (box) => {
    const container = withScript(box, 'sleep 1000');
    const receiver = listenForDescriptor(join(box.directory, 'pidfd'));
    const [name = '', ...flags] = command.split(' ');
    const options = { flags: [...flags, '--pidfd-socket', receiver.path] };
    ok(name === 'create' ? container.create(options) : container.run(options));
    const pidfd = receiver.descriptor();
    assert.match(readFileSync(`/proc/self/fdinfo/${pidfd}`, 'utf8'), new RegExp(`^Pid:\\s+${container.pid()}$`, 'm'));
    ok(container.kill('KILL'));
    // It can be read when the process has ended.
    waitForInput(pidfd, 'the end of the process');
    closeSync(pidfd);
    receiver.close();
  });
}

check('a pidfd socket where nobody listens is an error, and nothing is left', sendsNoPidfd, (box) => {
  const container = withScript(box, 'true');
  const result = container.create({ flags: ['--pidfd-socket', join(box.directory, 'nobody')] });
  assert.equal(result.status, 1);
  assert.match(result.stderr, /nobody/);
  box.assertNothingLeft();
});

// --- the service manager ------------------------------------------------------------------------------------------------

/** A service of the test's service manager, whose socket it has in its environment. */
function service(box: Sandbox): { manager: ReturnType<typeof listenForNotes>; env: NodeJS.ProcessEnv } {
  const path = join(box.directory, 'manager');
  return { manager: listenForNotes(path), env: { ...process.env, NOTIFY_SOCKET: path } };
}

/** What the program of the container would send to its NOTIFY_SOCKET. */
function notify(container: Container, ...messages: string[]): void {
  const { pid = 0 } = container.waitForStatus('running');
  const environment = waitFor('the program', () => {
    const text = readFileSync(`/proc/${pid}/environ`, 'utf8');
    return text.includes('NOTIFY_SOCKET=') ? text : undefined;
  });
  const path = /NOTIFY_SOCKET=([^\0]+)/.exec(environment)?.[1] ?? '';
  assert.match(path, /^\//);
  for (const message of messages) sendNote(`/proc/${pid}/root${path}`, message);
}

const READY = ['STATUS=not yet', 'READY=1\nSTATUS=up'];

check('run tells the service manager that the program is ready, and nothing else', (box) => {
  const { manager, env } = service(box);
  const container = withScript(box, 'exec sleep 1000');
  startScript(`exec ${line(box, container, 'run')}`, { stdio: ['ignore', 'ignore', 'ignore'], env });
  waitFor('the container', () => container.stateResult().status === 0);
  notify(container, 'MAINPID=1', ...READY);
  assert.equal(manager.next(), 'READY=1\n');
  assert.match(manager.next(), /^MAINPID=\d+\n$/);
  ok(container.kill('KILL'));
  manager.close();
});

for (const command of ['run --detach', 'start']) {
  check(`${command} returns when the program is ready, and has the service manager watch it`, (box) => {
    const { manager, env } = service(box);
    const container = withScript(box, 'exec sleep 1000');
    const done = join(box.directory, 'done');
    if (command === 'start') ok(container.create({ env }));
    const start =
      command === 'start' ? `"$RUNTIME" --root ${box.root} start ${container.id}` : line(box, container, command);
    startScript(`${start}; echo $? >${done}`, { stdio: ['ignore', 'ignore', 'ignore'], env });
    waitFor('the container', () => container.stateResult().status === 0);
    notify(container, 'STATUS=not yet');
    assert.equal(existsSync(done), false);
    notify(container, ...READY);
    assert.equal(manager.next(), 'READY=1\n');
    assert.equal(manager.next(), `MAINPID=${container.pid()}\n`);
    // With it goes what it has not read: a barrier.
    manager.close();
    assert.equal(
      waitFor('its end', () => existsSync(done) && (readFileSync(done, 'utf8') || undefined)),
      '0\n',
    );
    ok(container.kill('KILL'));
  });
}

check(
  'run --detach waits until the service manager has read what it was sent',
  { knownToFail: { runc: 'sends no BARRIER before 1.2' } },
  (box) => {
    const { manager, env } = service(box);
    const container = withScript(box, 'exec sleep 1000');
    startScript(`exec ${line(box, container, 'run --detach')}`, { stdio: ['ignore', 'ignore', 'ignore'], env });
    waitFor('the container', () => container.stateResult().status === 0);
    notify(container, ...READY);
    assert.deepEqual([manager.next(), manager.next(), manager.next()].at(-1), 'BARRIER=1');
    ok(container.kill('KILL'));
    manager.close();
  },
);

const waitsForReaper = { knownToFail: { runc: 'waits until somebody has reaped the program' } };

check('a program that ends without being ready does not keep run --detach waiting', waitsForReaper, (box) => {
  const { manager, env } = service(box);
  ok(withScript(box, 'true').run({ flags: ['--detach'], env }));
  manager.close();
});

check('the container can not put anything into the directory of its NOTIFY_SOCKET', waitsForReaper, (box) => {
  const { manager, env } = service(box);
  const container = withScript(box, 'touch $(dirname $NOTIFY_SOCKET)/file 2>&1; true');
  // Nobody is told that it is ready; the runtime goes on when it has ended.
  assert.match(ok(container.run({ env, flags: ['--detach'] })).stdout + container.stdout(), /Read-only/);
  manager.close();
});
