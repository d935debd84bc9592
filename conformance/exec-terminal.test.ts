// exec with a terminal, and the sockets that engines give to it.

import assert from 'node:assert/strict';
import { closeSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Container,
  check,
  listenForDescriptor,
  ok,
  openPseudoTerminal,
  readTerminal,
  refused,
  type Sandbox,
  startScript,
  waitForInput,
  windowSize,
  writeIn,
} from './harness/index.ts';

function lasting(box: Sandbox): Container {
  const container = box.container((config) => {
    config.process.args = ['/bin/sleep', '300'];
  });
  ok(container.create());
  ok(container.start());
  return container;
}

/** Runs a program detached on a terminal and gives its master to `use`. */
function onTerminal(
  box: Sandbox,
  container: Container,
  args: readonly string[],
  flags: readonly string[],
  use: (master: number) => void,
): void {
  const receiver = listenForDescriptor(join(box.directory, 'console'));
  ok(container.exec(args, { flags: ['--detach', '--console-socket', receiver.path, ...flags] }));
  const master = receiver.descriptor();
  try {
    use(master);
  } finally {
    closeSync(master);
    receiver.close();
  }
}

check('the terminal of a detached program is sent to the console socket', (box) => {
  const script =
    'for fd in 0 1 2; do readlink /proc/$$/fd/$fd; done; echo to the terminal > /dev/tty; ls /proc/$$/fd; echo listed; read line; echo "got $line"';
  onTerminal(box, lasting(box), ['/bin/sh', '-c', script], ['--tty'], (master) => {
    const text = readTerminal(master, /listed/);
    assert.match(text, /^(\/dev\/pts\/0\r?\n){3}to the terminal\r?\n/);
    assert.match(text, /\n0\s+1\s+2\s+listed/);
    writeSync(master, 'a line\n');
    assert.match(readTerminal(master, 'end'), /got a line/);
  });
});

check('process.terminal and consoleSize of --process are honoured, and the terminal is the user’s', (box) => {
  const process = {
    terminal: true,
    consoleSize: { height: 20, width: 70 },
    user: { uid: 1000, gid: 1000 },
    args: ['/bin/sh', '-c', 'stat -c %u /dev/pts/0; echo word > /dev/pts/0'],
    env: ['PATH=/bin'],
    cwd: '/',
  };
  const file = writeIn(box, 'process.json', JSON.stringify(process));
  onTerminal(box, lasting(box), [], ['--process', file], (master) => {
    assert.deepEqual(windowSize(master), [20, 70]);
    assert.match(readTerminal(master, 'end'), /^1000\r?\nword/);
  });
});

check('in the foreground the caller’s terminal and the program’s are brought together', (box) => {
  const container = lasting(box);
  const own = openPseudoTerminal();
  own.resize(31, 97);
  const script = 'tty() { readlink /proc/$$/fd/0; }; tty; read line; echo "got $line"; exit 7';
  const command = `"$RUNTIME" --root '${box.root}' exec -t '${container.id}' /bin/sh -c '${script}'; echo "status $?"`;
  try {
    const before = own.attributes();
    startScript(command, { stdio: [own.slave, own.slave, own.slave], controlling: true });
    assert.match(readTerminal(own.master, /pts\/\d+\r?\n/), /\/dev\/pts\/0\r?\n$/);
    own.type('typed\n');
    assert.match(readTerminal(own.master, /status \d+/), /got typed[\s\S]*status 7/);
    assert.equal(own.attributes(), before);
  } finally {
    own.close();
  }
});

check('a terminal needs somebody to attend to it', (box) => {
  const container = lasting(box);
  const socket = join(box.directory, 'nobody');
  const fails = (...flags: string[]) => refused(container.exec(['/bin/true'], { flags })).status;
  assert.equal(fails('-t', '-d'), 255);
  assert.equal(fails('-t', '-d', '--console-socket', socket), 255);
  assert.equal(fails('-d', '--console-socket', socket), 255);
});

const sendsNoPidfd = { knownToFail: { runc: 'has --pidfd-socket from 1.2 on', crun: 'has no --pidfd-socket' } };
check('the pidfd socket is sent a pidfd of the program', sendsNoPidfd, (box) => {
  const container = lasting(box);
  const receiver = listenForDescriptor(join(box.directory, 'pidfd'));
  const pidFile = join(box.directory, 'pid');
  const flags = ['-d', '--pid-file', pidFile, '--pidfd-socket', receiver.path];
  ok(container.exec(['/bin/sleep', '300'], { flags }));
  const pidfd = receiver.descriptor();
  const pid = readFileSync(pidFile, 'utf8');
  assert.match(readFileSync(`/proc/self/fdinfo/${pidfd}`, 'utf8'), new RegExp(`^Pid:\\s+${pid}$`, 'm'));
  ok(container.kill('KILL'));
  waitForInput(pidfd, 'the end of the program');
  closeSync(pidfd);
  receiver.close();
});
