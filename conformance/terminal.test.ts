// process.terminal (config.md, "Process"), and --console-socket: the terminal's other end goes to whoever attends to it.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, symlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Config,
  type Container,
  check,
  listenForDescriptor,
  ok,
  readTerminal,
  refused,
  type Sandbox,
  windowSize,
} from './harness/index.ts';

type Edit = (process: Config['process'] & { consoleSize?: { height: number; width: number } }, config: Config) => void;

/** A container with a terminal whose program is the script. */
function withTerminal(box: Sandbox, script: string, edit?: Edit): Container {
  return box.container((config) => {
    config.process.terminal = true;
    config.process.args = ['/bin/sh', '-c', script];
    edit?.(config.process, config);
  });
}

function mknod(path: string, device: string): void {
  assert.equal(spawnSync('mknod', [path, ...device.split(' ')]).status, 0);
}

/** What the script, started by create and start, writes to its terminal. */
function written(box: Sandbox, script: string, edit?: Edit): string {
  const container = withTerminal(box, script, edit);
  const receiver = listenForDescriptor(join(box.directory, 'console'));
  ok(container.create({ flags: ['--console-socket', receiver.path] }));
  const master = receiver.descriptor();
  try {
    ok(container.start());
    return readTerminal(master, 'end');
  } finally {
    closeSync(master);
    receiver.close();
  }
}

check('create sends the terminal to the console socket; its three streams are the terminal', (box) => {
  const output = written(box, 'for fd in 0 1 2; do readlink /proc/self/fd/$fd; done; busybox tty');
  assert.deepEqual(output.split(/\r?\n/).slice(0, 4), ['/dev/pts/0', '/dev/pts/0', '/dev/pts/0', '/dev/pts/0']);
});

check('run --detach sends the terminal to the console socket', (box) => {
  const container = withTerminal(box, 'echo of the program; read line; echo "got $line"; sleep 1000');
  const receiver = listenForDescriptor(join(box.directory, 'console'));
  ok(container.run({ flags: ['--detach', '--console-socket', receiver.path] }));
  const master = receiver.descriptor();
  readTerminal(master, /of the program/);
  writeSync(master, 'a line\n');
  readTerminal(master, /got a line/);
  assert.equal(container.state().status, 'running');
  closeSync(master);
  receiver.close();
});

check(
  'a console socket may have a path that is longer than a socket address',
  { knownToFail: { runc: 'bind: invalid argument' } },
  (box) => {
    const directory = join(box.directory, 'd'.repeat(120));
    mkdirSync(directory);
    const container = withTerminal(box, 'echo here');
    const receiver = listenForDescriptor(join(directory, 'console'));
    ok(container.create({ flags: ['--console-socket', receiver.path] }));
    const master = receiver.descriptor();
    ok(container.start());
    assert.match(readTerminal(master, 'end'), /here/);
    closeSync(master);
    receiver.close();
  },
);

check('the terminal is the controlling one: /dev/tty is it, and its interrupt character is a signal', (box) => {
  const container = withTerminal(
    box,
    'trap "echo interrupted; exit 3" INT; echo by name >/dev/tty; while :; do sleep 0.1; done',
  );
  const receiver = listenForDescriptor(join(box.directory, 'console'));
  ok(container.create({ flags: ['--console-socket', receiver.path] }));
  const master = receiver.descriptor();
  ok(container.start());
  readTerminal(master, /by name/);
  writeSync(master, '\x03');
  readTerminal(master, /interrupted/);
  container.waitForStatus('stopped');
  closeSync(master);
  receiver.close();
});

check('/dev/console is the terminal', (box) => {
  const output = written(box, 'echo through the console >/dev/console; stat -c "%t:%T %F" /dev/console $(busybox tty)');
  const [line, ...devices] = output.trim().split(/\r?\n/);
  assert.equal(line, 'through the console');
  assert.deepEqual(devices, ['88:0 character special file', '88:0 character special file']);
});

check('consoleSize is the size of the terminal from its start', (box) => {
  const container = withTerminal(box, 'busybox stty size', (process) => {
    process.consoleSize = { height: 33, width: 77 };
  });
  const receiver = listenForDescriptor(join(box.directory, 'console'));
  ok(container.create({ flags: ['--console-socket', receiver.path] }));
  const master = receiver.descriptor();
  assert.deepEqual(windowSize(master), [33, 77]);
  ok(container.start());
  assert.match(readTerminal(master, 'end'), /33 77/);
  closeSync(master);
  receiver.close();
});

check("the terminal is the user's, with the group of the devpts mount", (box) => {
  const output = written(box, 'stat -c %u:%g:%a $(busybox tty); echo mine >/dev/pts/0', (process) => {
    process.user = { uid: 1000, gid: 1000 };
  });
  assert.deepEqual(output.trim().split(/\r?\n/), ['1000:5:620', 'mine']);
});

// Engines give it to terminals in raw mode, which need the carriage returns.
check('the terminal that the console socket gets makes newlines of lines, as any new terminal', (box) => {
  assert.equal(written(box, 'printf "a\\nb\\n"'), 'a\r\nb\r\n');
});

check('the program is told when the terminal is hung up', (box) => {
  const container = withTerminal(box, 'trap "exit 0" HUP; echo ready; while :; do sleep 0.1; done');
  const receiver = listenForDescriptor(join(box.directory, 'console'));
  ok(container.create({ flags: ['--console-socket', receiver.path] }));
  const master = receiver.descriptor();
  ok(container.start());
  readTerminal(master, /ready/);
  closeSync(master);
  container.waitForStatus('stopped');
  receiver.close();
});

// --- what does not go together --------------------------------------------------------------------------------------

check('a terminal of a detached container without a console socket is refused, and nothing is left', (box) => {
  const container = withTerminal(box, 'true');
  refused(container.create(), /cannot allocate tty if \w+ will detach without setting console socket/);
  refused(container.run({ flags: ['--detach'] }), /cannot allocate tty if \w+ will detach/);
  box.assertNothingLeft();
});

check('a console socket for nothing is refused', (box) => {
  const message = /cannot use console socket if \w+ will not detach or allocate tty/;
  const receiver = listenForDescriptor(join(box.directory, 'console'));
  const flags = ['--console-socket', receiver.path];
  refused(box.container().create({ flags }), message);
  refused(box.container().run({ flags }), message);
  refused(withTerminal(box, 'true').run({ flags }), message);
  box.assertNothingLeft();
  receiver.close();
});

check('a console socket where nobody listens is an error that names it, and nothing is left', (box) => {
  const container = withTerminal(box, 'true');
  refused(container.create({ flags: ['--console-socket', join(box.directory, 'nobody')] }), /nobody/);
  box.assertNothingLeft();
});

check('a terminal without a devpts is refused', (box) => {
  const container = withTerminal(box, 'true', (_process, config) => {
    config.mounts = config.mounts.filter(({ destination }) => destination !== '/dev/pts');
  });
  const receiver = listenForDescriptor(join(box.directory, 'console'));
  refused(container.create({ flags: ['--console-socket', receiver.path] }), /pts|ptmx/);
  receiver.close();
});

// --- attacks by the image -------------------------------------------------------------------------------------------

check(
  'CVE-2026-88264: a link of the image at /dev/console makes no file on the host',
  { knownToFail: { crun: 'CVE-2026-88264' } },
  (box) => {
    const aim = join(box.directory, 'made-by-the-attack');
    for (const readonly of [true, false]) {
      const container = withTerminal(box, 'true', (_process, config) => {
        config.root.readonly = readonly;
        config.mounts = config.mounts.filter(({ destination }) => !destination.startsWith('/dev'));
        config.mounts.push({
          destination: '/dev/pts',
          type: 'devpts',
          source: 'devpts',
          options: ['newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
        });
      });
      symlinkSync(aim, join(container.rootfs, 'dev/console'));
      const receiver = listenForDescriptor(join(box.directory, `console-${readonly}`));
      refused(container.create({ flags: ['--console-socket', receiver.path] }));
      assert.equal(existsSync(aim), false);
      receiver.close();
    }
  },
);

// A name in /dev/pts proves nothing: what is opened must lie in a devpts.
check('CVE-2025-52565: a /dev/pts of the image with links for terminals is refused', (box) => {
  const container = withTerminal(box, 'true', (_process, config) => {
    config.mounts = config.mounts.filter(({ destination }) => !destination.startsWith('/dev'));
  });
  mkdirSync(join(container.rootfs, 'dev/pts'), { recursive: true });
  symlinkSync('/etc/passwd', join(container.rootfs, 'dev/pts/0'));
  mknod(join(container.rootfs, 'dev/pts/ptmx'), 'c 5 2');
  const receiver = listenForDescriptor(join(box.directory, 'console'));
  refused(container.create({ flags: ['--console-socket', receiver.path] }));
  receiver.close();
});
