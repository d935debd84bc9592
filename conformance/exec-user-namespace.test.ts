// exec into a container with a user namespace of its own: the program is in it, with the ids, limits and rights that the config names.

import assert from 'node:assert/strict';
import { chmodSync, chownSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Container, check, listenForDescriptor, ok, readTerminal, type Sandbox } from './harness/index.ts';

const FIRST = 100_000;

function lasting(box: Sandbox): Container {
  // As engines have it: the container's root may go to its root file system.
  chmodSync(dirname(box.directory), 0o711);
  chmodSync(box.directory, 0o711);
  const container = box.container((config) => {
    config.linux.namespaces.push({ type: 'user' });
    config.linux.uidMappings = [{ containerID: 0, hostID: FIRST, size: 65_536 }];
    config.linux.gidMappings = [{ containerID: 0, hostID: FIRST, size: 65_536 }];
    config.process.rlimits = [{ type: 'RLIMIT_NOFILE', soft: 200, hard: 300 }];
    config.process.args = ['/bin/sleep', '300'];
  });
  for (const name of readdirSync(container.rootfs)) chownSync(join(container.rootfs, name), FIRST, FIRST);
  ok(container.create());
  ok(container.start());
  return container;
}

check('the program is in the user namespace of the container, with its ids and limits', (box) => {
  const container = lasting(box);
  const pidFile = join(box.directory, 'pid');
  ok(container.exec(['/bin/sleep', '300'], { flags: ['-d', '--pid-file', pidFile, '-u', '5:6', '-g', '7'] }));
  const pid = Number(readFileSync(pidFile, 'utf8'));
  for (const kind of ['user', 'mnt', 'pid', 'net', 'uts', 'ipc'])
    assert.equal(readlinkSync(`/proc/${pid}/ns/${kind}`), readlinkSync(`/proc/${container.pid()}/ns/${kind}`), kind);
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  assert.match(status, /^Uid:\s+100005\s+100005\s+100005\s+100005$/m);
  assert.match(status, /^Gid:\s+100006\s+100006\s+100006\s+100006$/m);
  assert.match(status, /^Groups:\s+100007\s*$/m);
  const { stdout } = ok(
    container.exec(['/bin/sh', '-c', 'id -u; ulimit -n; ulimit -Hn; grep Groups /proc/self/status']),
  );
  assert.match(stdout, /^0\n200\n300\nGroups:\s*$/m);
});

check('a terminal works there, too', (box) => {
  const container = lasting(box);
  const receiver = listenForDescriptor(join(box.directory, 'console'));
  const flags = ['-d', '-t', '--console-socket', receiver.path];
  ok(container.exec(['/bin/sh', '-c', 'echo word > /dev/tty'], { flags }));
  assert.match(readTerminal(receiver.descriptor(), 'end'), /^word/);
  receiver.close();
});
