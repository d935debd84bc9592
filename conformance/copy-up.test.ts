// tmpcopyup, the extension of runc's that engines ask for: a tmpfs begins with what the container has at its destination.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  lchownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { addFile, type Config, check, mountAt, ok, parseMountinfo, refused, type Sandbox } from './harness/index.ts';

const tmpfs = (destination: string, ...options: string[]) => ({
  destination,
  type: 'tmpfs',
  source: 'tmpfs',
  options: ['tmpcopyup', ...options],
});

const bind = (source: string, destination: string, ...options: string[]) => ({
  destination,
  type: 'bind',
  source,
  options: ['bind', ...options],
});

/** What the script says in a container with these mounts and the image as `fill` leaves it. */
function shell(box: Sandbox, script: string, mounts: Config['mounts'], fill: (rootfs: string) => void): string {
  return box.shell(script, (config, { rootfs }) => {
    config.mounts.push(...mounts);
    fill(rootfs);
  });
}

/** As engines have it: the container's root may go to its root file system. */
function reachable(box: Sandbox): void {
  chmodSync(dirname(box.directory), 0o711);
  chmodSync(box.directory, 0o711);
}

// --- what is copied -------------------------------------------------------------------------------------------------

check('what the image has is in the tmpfs, and what the container writes stays there', (box) => {
  const container = box.container((config, { rootfs }) => {
    config.mounts.push(tmpfs('/run', 'nosuid', 'nodev'));
    addFile(rootfs, 'run/lock/file', 'of the image\n');
    addFile(rootfs, 'run/name with\nline', 'odd\n');
    mkdirSync(join(rootfs, 'run/empty'));
    config.process.args = [
      '/bin/sh',
      '-c',
      'cat /run/lock/file /run/name*; ls /run; echo x >/run/lock/file; touch /run/empty/new; rm /run/name*; cat /run/lock/file',
    ];
  });
  assert.equal(ok(container.run()).stdout, 'of the image\nodd\nempty\nlock\nname with?line\nx\n');
  assert.equal(readFileSync(join(container.rootfs, 'run/lock/file'), 'utf8'), 'of the image\n');
  assert.deepEqual(readdirSync(join(container.rootfs, 'run/empty')), []);
  assert.equal(readdirSync(join(container.rootfs, 'run')).length, 3);
});

check('names that are not UTF-8 and contents that are not text are copied byte by byte', (box) => {
  const name = Buffer.from([0x66, 0xff, 0xfe]);
  const output = shell(box, 'cat /run/f*; ls /run | wc -c', [tmpfs('/run')], (rootfs) => {
    mkdirSync(join(rootfs, 'run'));
    writeFileSync(Buffer.concat([Buffer.from(join(rootfs, 'run/')), name]), 'bytes\n');
  });
  assert.match(output, /^bytes\n\s*4\n$/);
});

check('files and directories keep their owners and modes', (box) => {
  const output = shell(
    box,
    'cd /run; stat -c "%n %a %u:%g %F" program private private/file',
    [tmpfs('/run')],
    (rootfs) => {
      addFile(rootfs, 'run/program', 'x', 0o755);
      chownSync(join(rootfs, 'run/program'), 1, 2);
      chmodSync(join(rootfs, 'run/program'), 0o4751);
      addFile(rootfs, 'run/private/file', 'y');
      chmodSync(join(rootfs, 'run/private/file'), 0o400);
      chownSync(join(rootfs, 'run/private/file'), 1000, 1000);
      chmodSync(join(rootfs, 'run/private'), 0o500);
    },
  );
  assert.deepEqual(output.trim().split('\n'), [
    'program 4751 1:2 regular file',
    'private 500 0:0 directory',
    'private/file 400 1000:1000 regular file',
  ]);
});

check(
  'directories keep what the umask would take, sticky and set-id bits',
  { knownToFail: { runc: 'makes them with mkdir alone (until 1.1.10)' } },
  (box) => {
    const output = shell(box, 'cd /run; stat -c "%n %a %u:%g" shared gid', [tmpfs('/run')], (rootfs) => {
      mkdirSync(join(rootfs, 'run/shared'), { recursive: true });
      chmodSync(join(rootfs, 'run/shared'), 0o1777);
      mkdirSync(join(rootfs, 'run/gid'));
      chownSync(join(rootfs, 'run/gid'), 3, 4);
      chmodSync(join(rootfs, 'run/gid'), 0o2775);
    });
    assert.equal(output, 'shared 1777 0:0\ngid 2775 3:4\n');
  },
);

check(
  'files, directories and the root of the tmpfs keep their times',
  { knownToFail: { runc: 'everything is as old as the container' } },
  (box) => {
    const output = shell(box, 'cd /run; stat -c "%n %Y" . folder folder/file', [tmpfs('/run')], (rootfs) => {
      addFile(rootfs, 'run/folder/file', 'x');
      ['run/folder/file', 'run/folder', 'run'].forEach((path, index) => {
        utimesSync(join(rootfs, path), 1_000_000, 1_000_000 + index);
      });
    });
    assert.equal(output, '. 1000002\nfolder 1000001\nfolder/file 1000000\n');
  },
);

check(
  'symbolic links are copied as they are, wherever they lead: nothing of the host is (CVE-2019-19921 and its like)',
  (box) => {
    const secret = join(box.directory, 'secret');
    mkdirSync(secret);
    writeFileSync(join(secret, 'key'), 'of the host\n');
    const output = shell(
      box,
      'cd /run; for link in file folder up loose; do readlink $link; done; cat file folder/key up/key 2>/dev/null; stat -c "%u %g" loose; ls | wc -l',
      [tmpfs('/run')],
      (rootfs) => {
        mkdirSync(join(rootfs, 'run'));
        symlinkSync(join(secret, 'key'), join(rootfs, 'run/file'));
        symlinkSync(secret, join(rootfs, 'run/folder'));
        symlinkSync('../../../secret', join(rootfs, 'run/up'));
        symlinkSync('nothing', join(rootfs, 'run/loose'));
        lchownSync(join(rootfs, 'run/loose'), 7, 8);
      },
    );
    assert.equal(
      output.replace(/ +(?=\d\n$)/, ''),
      `${join(secret, 'key')}\n${secret}\n../../../secret\nnothing\n7 8\n4\n`,
    );
  },
);

check(
  'FIFOs, sockets and devices are made anew, and not opened',
  { knownToFail: { runc: 'opens a FIFO and waits for a writer, or leaves it out' } },
  (box) => {
    const output = shell(box, 'cd /run; stat -c "%n %a %u:%g %F %t:%T" fifo device', [tmpfs('/run')], (rootfs) => {
      mkdirSync(join(rootfs, 'run'));
      spawnSync('mkfifo', ['-m', '620', join(rootfs, 'run/fifo')]);
      chownSync(join(rootfs, 'run/fifo'), 1, 2);
      spawnSync('mknod', ['-m', '640', join(rootfs, 'run/device'), 'c', '1', '5']);
    });
    assert.equal(output, 'fifo 620 1:2 fifo 0:0\ndevice 640 0:0 character special file 1:5\n');
  },
);

check(
  'a file of several parts and holes is the same, and its holes take no memory',
  { knownToFail: { runc: 'fills the holes' } },
  (box) => {
    const output = shell(
      box,
      'cd /run; wc -c sparse; head -c 3 sparse; tail -c 3 sparse; cat big | wc -c; [ $(stat -c %b sparse) -lt 100 ] && echo small',
      [tmpfs('/run', 'size=8m')],
      (rootfs) => {
        addFile(rootfs, 'run/sparse', 'one');
        truncateSync(join(rootfs, 'run/sparse'), 100_000_000);
        writeFileSync(join(rootfs, 'run/sparse'), 'end', { flag: 'a' });
        addFile(rootfs, 'run/big', 'x'.repeat(3_000_001));
      },
    );
    assert.match(output, /^100000003 sparse\noneend\s*3000001\nsmall\n$/);
  },
);

// --- the mount ------------------------------------------------------------------------------------------------------

check(
  'the root of the tmpfs has mode and owner of the directory that it covers',
  { knownToFail: { runc: 'the mode alone' } },
  (box) => {
    const output = shell(box, 'stat -c "%a %u:%g" /run /var/tmp', [tmpfs('/run'), tmpfs('/var/tmp')], (rootfs) => {
      mkdirSync(join(rootfs, 'run'));
      chownSync(join(rootfs, 'run'), 5, 6);
      chmodSync(join(rootfs, 'run'), 0o2750);
      mkdirSync(join(rootfs, 'var/tmp'), { recursive: true });
      chmodSync(join(rootfs, 'var/tmp'), 0o1777);
    });
    assert.equal(output, '2750 5:6\n1777 0:0\n');
  },
);

check(
  'mode, uid and gid of the options come before those of the directory',
  { knownToFail: { runc: 'the mode of the directory always wins (until 1.2)' } },
  (box) => {
    const output = shell(
      box,
      'stat -c "%a %u:%g" /run; cat /run/file',
      [tmpfs('/run', 'mode=1775', 'uid=9')],
      (rootfs) => {
        addFile(rootfs, 'run/file', 'here\n');
        chownSync(join(rootfs, 'run'), 5, 6);
        chmodSync(join(rootfs, 'run'), 0o755);
      },
    );
    assert.equal(output, '1775 9:6\nhere\n');
  },
);

check('the other options of the mount are in the mount table; a read-only root stays so', (box) => {
  const output = box.shell(
    'cat /proc/self/mountinfo; touch /file 2>/dev/null || echo read-only',
    (config, { rootfs }) => {
      config.root.readonly = true;
      config.mounts.push(
        tmpfs('/run', 'rw', 'nosuid', 'nodev', 'noexec', 'size=1m', 'rprivate'),
        tmpfs('/tmp', 'noatime', 'shared'),
      );
      addFile(rootfs, 'run/file', '');
    },
  );
  assert.match(output, /^read-only$/m);
  const table = parseMountinfo(output.replace(/^read-only\n/m, ''));
  const run = mountAt(table, '/run');
  assert.equal(run.type, 'tmpfs');
  for (const word of ['rw', 'nosuid', 'nodev', 'noexec']) assert.ok(run.options.includes(word), word);
  assert.ok(run.superOptions.includes('size=1024k'));
  assert.deepEqual(run.propagation, []);
  assert.ok(mountAt(table, '/tmp').options.includes('noatime'));
  assert.ok(mountAt(table, '/tmp').propagation.some((word) => word.startsWith('shared:')));
});

check(
  'ro and rro: the copy is there, and cannot be written; later mounts find their place in it',
  { knownToFail: { runc: 'rro has no effect on a tmpfs (1.1)' } },
  (box) => {
    const volume = join(box.directory, 'volume');
    mkdirSync(volume);
    const output = shell(
      box,
      'cat /run/file; touch /run/new 2>/dev/null || echo read-only; touch /run/volume/new && ls /run; cat /srv/file; touch /srv/new 2>/dev/null || echo read-only',
      [tmpfs('/run', 'ro'), bind(volume, '/run/volume'), tmpfs('/srv', 'rro')],
      (rootfs) => {
        addFile(rootfs, 'run/file', 'here\n');
        addFile(rootfs, 'srv/file', 'there\n');
      },
    );
    assert.equal(output, 'here\nread-only\nfile\nvolume\nthere\nread-only\n');
  },
);

check('where the image has nothing an empty tmpfs is mounted', (box) => {
  const output = shell(
    box,
    'ls -A /a/b | wc -l; stat -c %a /a/b; touch /a/b/new',
    [tmpfs('/a/b', 'mode=711')],
    () => undefined,
  );
  assert.match(output, /^\s*0\n711\n$/);
});

check('a link of the image on the way to the destination is followed inside the root', (box) => {
  const output = shell(box, 'cat /run/file /var/run/file; echo x >/run/file', [tmpfs('/var/run')], (rootfs) => {
    addFile(rootfs, 'run/file', 'once\n');
    mkdirSync(join(rootfs, 'var'));
    symlinkSync('/run', join(rootfs, 'var/run'));
  });
  assert.equal(output, 'once\nonce\n');
});

check('a destination that a link of the image leads out of the root gets nothing of the host', (box) => {
  const secret = join(box.directory, 'secret');
  mkdirSync(secret);
  writeFileSync(join(secret, 'key'), 'of the host\n');
  const container = box.container((config, { rootfs }) => {
    config.mounts.push(tmpfs('/data'));
    symlinkSync(secret, join(rootfs, 'data'));
    config.process.args = ['/bin/sh', '-c', 'cat /data/key || true'];
  });
  assert.doesNotMatch(container.run().stdout, /of the host/);
});

// --- where earlier mounts are ---------------------------------------------------------------------------------------

check('below an earlier bind mount what that has is copied', (box) => {
  const volume = join(box.directory, 'volume');
  addFile(volume, 'cache/file', 'of the volume\n');
  const output = shell(
    box,
    'cat /data/cache/*; echo x >/data/cache/file; touch /data/cache/new',
    [bind(volume, '/data'), tmpfs('/data/cache')],
    (rootfs) => addFile(rootfs, 'data/cache/file', 'of the image\n'),
  );
  assert.equal(output, 'of the volume\n');
  assert.equal(readFileSync(join(volume, 'cache/file'), 'utf8'), 'of the volume\n');
  assert.deepEqual(readdirSync(join(volume, 'cache')), ['file']);
});

check('below an earlier tmpfs with tmpcopyup the copy is copied; below a plain one nothing is there', (box) => {
  const output = shell(
    box,
    'cat /var/lib/file; rm /var/lib/file; ls -A /plain/lib | wc -l; mount | grep -c "/lib type"',
    [
      tmpfs('/var'),
      tmpfs('/var/lib'),
      { destination: '/plain', type: 'tmpfs', source: 'tmpfs', options: [] },
      tmpfs('/plain/lib'),
    ],
    (rootfs) => {
      addFile(rootfs, 'var/lib/file', 'twice\n');
      addFile(rootfs, 'plain/lib/file', 'hidden\n');
    },
  );
  assert.match(output, /^twice\n\s*0\n2\n$/);
});

check('a link of the image leads below an earlier bind mount: that is what is copied', (box) => {
  const volume = join(box.directory, 'volume');
  addFile(volume, 'cache/file', 'of the volume\n');
  const output = shell(box, 'cat /link/cache/file', [bind(volume, '/data'), tmpfs('/link/cache')], (rootfs) => {
    addFile(rootfs, 'data/cache/file', 'of the image\n');
    symlinkSync('data', join(rootfs, 'link'));
  });
  assert.equal(output, 'of the volume\n');
});

// --- failures -------------------------------------------------------------------------------------------------------

check('a tmpfs that is too small for the image is an error that names the mount, and nothing is left', (box) => {
  const container = box.container((config, { rootfs }) => {
    config.mounts.push(tmpfs('/run', 'size=64k'));
    addFile(rootfs, 'run/big', 'x'.repeat(1_000_000));
  });
  refused(container.create(), /\/run.*no space left on device/is);
  box.assertNothingLeft();
});

check('an option that tmpfs does not know is an error that names the mount, and nothing is left', (box) => {
  const container = box.container((config) => void config.mounts.push(tmpfs('/tmp', 'size=much')));
  refused(container.create(), /\/tmp.*invalid argument/is);
  box.assertNothingLeft();
});

// --- user namespaces ------------------------------------------------------------------------------------------------

check(
  'in a user namespace the copy belongs to whom the image belongs to',
  { knownToFail: { runc: 'the mode of the root alone' } },
  (box) => {
    reachable(box);
    const output = box.shell(
      'stat -c "%n %a %u:%g" /run /run/file /scratch; cat /run/file; touch /run/new /scratch/new; chown 3:4 /run/new; stat -c %u:%g /run/new',
      (config, { rootfs }) => {
        config.linux.namespaces.push({ type: 'user' });
        config.linux.uidMappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
        config.linux.gidMappings = [{ containerID: 0, hostID: 200_000, size: 65_536 }];
        for (const set of ['bounding', 'effective', 'permitted'] as const) {
          config.process.capabilities?.[set]?.push('CAP_CHOWN');
        }
        config.mounts.push(tmpfs('/run', 'uid=5'), tmpfs('/scratch', 'mode=700'));
        addFile(rootfs, 'run/file', 'mapped\n');
        chownSync(join(rootfs, 'run/file'), 101_000, 201_001);
        chownSync(join(rootfs, 'run'), 100_000, 200_006);
        chmodSync(join(rootfs, 'run'), 0o777);
        mkdirSync(join(rootfs, 'scratch'));
        chownSync(join(rootfs, 'scratch'), 100_000, 200_000);
        chownSync(rootfs, 100_000, 200_000);
      },
    );
    assert.equal(output, '/run 777 5:6\n/run/file 644 1000:1001\n/scratch 700 0:0\nmapped\n3:4\n');
  },
);

check('in a user namespace no device comes into being that the container could use', (box) => {
  reachable(box);
  const container = box.container((config, { rootfs }) => {
    config.linux.namespaces.push({ type: 'user' });
    config.linux.uidMappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
    config.linux.gidMappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
    config.mounts.push(tmpfs('/run'));
    mkdirSync(join(rootfs, 'run'));
    spawnSync('mknod', ['-m', '666', join(rootfs, 'run/device'), 'c', '1', '5']);
    chownSync(rootfs, 100_000, 100_000);
  });
  refused(container.create(), /\/run.*device/);
  box.assertNothingLeft();
});
