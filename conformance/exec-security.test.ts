// Attacks on exec by what is in the container already: its image, and its processes. Each check is named by its CVE.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { addFile, type Container, check, ok, refused, runtimePath, type Sandbox, waitFor } from './harness/index.ts';

function lasting(box: Sandbox, edit?: Parameters<Sandbox['container']>[0]): Container {
  const container = box.container((config, place) => {
    config.process.args = ['/bin/sleep', '300'];
    return edit?.(config, place);
  });
  ok(container.create());
  ok(container.start());
  return container;
}

const hash = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex');

// --- CVE-2019-5736 ------------------------------------------------------------------------------------------------------

check('CVE-2019-5736: /proc/self/exe as the program of an exec is not the runtime', (box) => {
  const runtime = realpathSync(runtimePath);
  const before = hash(runtime);
  const container = lasting(box);
  symlinkSync('/proc/self/exe', join(container.rootfs, 'link'));
  for (const program of ['/proc/self/exe', '/link']) {
    const result = container.exec([program, '--version']);
    assert.doesNotMatch(result.stdout, /version/, program);
    assert.notEqual(result.status, 0, program);
  }
  assert.equal(hash(runtime), before);
});

check('CVE-2019-5736: a process of the container that waits for an exec can’t write to what it executes', (box) => {
  const runtime = realpathSync(runtimePath);
  const before = hash(runtime);
  // Opens the executable of every new process, and then tries to open that for writing.
  const attack = `
    echo ready > /tmp/ready
    while true; do for p in /proc/[0-9]*; do
      [ $p = /proc/1 ] && continue
      { exec 7< $p/exe; } 2>/dev/null || continue
      case "$(readlink /proc/1/fd/7)" in /bin/busybox|'') continue;; esac
      echo seen >> /tmp/seen
      { echo owned > /proc/1/fd/7; } 2>/dev/null && echo written >> /tmp/written
    done; done`;
  const container = lasting(box, (config) => {
    config.root.readonly = false;
    config.process.args = ['/bin/sh', '-c', attack];
    for (const set of Object.values(config.process.capabilities ?? {})) set?.push('CAP_SYS_PTRACE', 'CAP_DAC_OVERRIDE');
  });
  waitFor('the attacker', () => existsSync(join(container.rootfs, 'tmp/ready')));
  for (let round = 0; round < 25; round++) container.exec(['/bin/true']);
  assert.equal(existsSync(join(container.rootfs, 'tmp/written')), false);
  assert.equal(hash(runtime), before);
});

// --- CVE-2024-21626 -----------------------------------------------------------------------------------------------------

for (const way of ['as it is', 'through a link in the image']) {
  check(`CVE-2024-21626: --cwd /proc/self/fd/N, ${way}, does not lead to the host`, (box) => {
    const container = lasting(box, (config) => {
      config.root.readonly = false;
    });
    writeFileSync(join(box.directory, 'host-file'), 'of the host\n');
    const host = openSync('/', 'r');
    try {
      for (let number = 0; number < 20; number++) {
        const attack = `/proc/self/fd/${number}`;
        rmSync(join(container.rootfs, 'link'), { force: true });
        symlinkSync(attack, join(container.rootfs, 'link'));
        const script = `cat ../../../../../..${box.directory}/host-file ./${box.directory}/host-file`;
        const flags = ['--cwd', way === 'as it is' ? attack : '/link'];
        const result = container.exec(['/bin/sh', '-c', script], { flags, descriptors: [host, host, host, host] });
        assert.doesNotMatch(result.stdout, /of the host/, attack);
        assert.equal(refused(result).status, 255, attack);
      }
    } finally {
      closeSync(host);
    }
  });
}

check('CVE-2024-21626: a preserved descriptor of a host’s directory is no working directory', (box) => {
  const container = lasting(box);
  const host = openSync('/', 'r');
  try {
    const flags = ['--preserve-fds', '1', '--cwd', '/proc/self/fd/3'];
    assert.equal(refused(container.exec(['/bin/ls'], { flags, descriptors: [host] })).status, 255);
  } finally {
    closeSync(host);
  }
});

check('CVE-2024-21626: a program named by /proc/self/fd/N does not come from the host', (box) => {
  const container = lasting(box);
  const host = openSync('/', 'r');
  try {
    for (let number = 3; number < 20; number++) {
      const program = `/proc/self/fd/${number}${realpathSync('/bin/busybox')}`;
      assert.equal(
        refused(container.exec([program, 'true'], { descriptors: [host, host, host] })).status,
        255,
        program,
      );
    }
  } finally {
    closeSync(host);
  }
});

// --- CVE-2016-8649, crun#110 ----------------------------------------------------------------------------------------------

const needsProc = { knownToFail: { runc: '1.1.5 wants a real /proc' } };
check('CVE-2016-8649: descriptors of the caller are closed though /proc/self/fd is forged', needsProc, (box) => {
  const container = lasting(box, (config) => {
    config.mounts = config.mounts.filter(({ destination }) => !destination.startsWith('/proc'));
    config.mounts.push({ destination: '/real-proc', type: 'proc', source: 'proc' });
    config.linux.maskedPaths = [];
    config.linux.readonlyPaths = [];
  });
  for (const number of [0, 1, 2]) addFile(container.rootfs, `proc/self/fd/${number}`, '');
  const host = openSync('/', 'r');
  try {
    const list = ['/bin/sh', '-c', 'ls /real-proc/$$/fd; true'];
    const result = container.exec(list, { descriptors: [host, host, host, host, host] });
    if (result.status === 0) assert.equal(result.stdout, '0\n1\n2\n');
    else refused(result);
  } finally {
    closeSync(host);
  }
});

// --- CVE-2016-3697, and what a container may put at /etc/passwd --------------------------------------------------------------

check('CVE-2016-3697: a user named like a number is not the one with that number', (box) => {
  const container = lasting(box);
  addFile(container.rootfs, 'etc/passwd', '1000:x:0:0::/trap:/bin/sh\n');
  const { stdout } = ok(container.exec(['/bin/sh', '-c', 'id -u; echo $HOME'], { flags: ['-u', '1000:1000'] }));
  assert.equal(stdout, '1000\n/\n');
});

const waits = { knownToFail: { runc: '1.1.5 waits for a writer of the FIFO, for ever' } };
check('a user database that is a FIFO, endless or a link to the host is left alone', waits, (box) => {
  const container = lasting(box, (config) => {
    config.root.readonly = false;
    config.mounts.push({ destination: '/trap', type: 'tmpfs', source: 'tmpfs' });
  });
  writeFileSync(join(box.directory, 'passwd'), 'x:x:1000:1000::/of-the-host:/bin/sh\n');
  for (const make of [
    'mkfifo /etc/passwd',
    'ln -s /dev/zero /etc/passwd',
    `ln -s ${box.directory}/passwd /etc/passwd`,
  ]) {
    const script = make.startsWith('mkfifo') ? 'mknod /etc/passwd p' : make;
    ok(
      container.exec(['/bin/sh', '-c', `rm -f /etc/passwd; ${script}`], {
        flags: ['--cap', 'CAP_MKNOD', '--cap', 'CAP_DAC_OVERRIDE'],
      }),
    );
    assert.equal(ok(container.exec(['/bin/sh', '-c', 'echo $HOME'], { flags: ['-u', '1000'] })).stdout, '/\n', make);
  }
});
