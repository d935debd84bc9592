// config.md, Mounts: mounts that have to do with one another. One on the root itself, sources that an earlier mount makes, and very many.

import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { addFile, type Config, check, mountAt, ok, parseMountinfo, refused, type Sandbox } from './harness/index.ts';

const tmpfs = (destination: string, ...options: string[]) => ({ destination, type: 'tmpfs', source: 'tmpfs', options });
const bind = (source: string, destination: string, ...options: string[]) => ({
  destination,
  type: 'bind',
  source,
  options: ['rbind', ...options],
});
const lines = (text: string): string[] => text.trim().split('\n');

/** A directory on the host with a file in it that says its name. */
function volume(box: Sandbox, name: string): string {
  const path = join(box.directory, name);
  mkdirSync(path);
  writeFileSync(join(path, 'file'), `${name}\n`);
  return path;
}

function withUsers(config: Config): void {
  config.linux.namespaces.push({ type: 'user' });
  config.linux.uidMappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
  config.linux.gidMappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
}

// --- on the root ----------------------------------------------------------------------------------------------------

const notOnRoot = { knownToFail: { crun: 'what is mounted on / is not entered' } };
const notTmpfs = {
  knownToFail: { runc: 'later sources are not found (1.1.5)', crun: 'what is mounted on / is not entered' },
};

/** A root of its own for the container, beside that of the bundle. */
function otherRoot(rootfs: string): string {
  const path = join(dirname(rootfs), 'other');
  for (const name of ['bin', 'etc', 'proc', 'dev', 'sys', 'tmp']) mkdirSync(join(path, name), { recursive: true });
  for (const name of readdirSync(join(rootfs, 'bin'))) linkSync(join(rootfs, 'bin', name), join(path, 'bin', name));
  writeFileSync(join(path, 'etc/passwd'), 'root:x:0:0:root:/home-of-root:/bin/sh\n');
  writeFileSync(join(path, 'marker'), 'the other root\n');
  return path;
}

for (const users of [false, true]) {
  const suffix = users ? ', in a user namespace' : '';
  check(`a bind mount on / is the root${suffix}`, notOnRoot, (box) => {
    chmodSync(dirname(box.directory), 0o711);
    chmodSync(box.directory, 0o711);
    const output = box.shell(
      'cat /marker; echo $HOME; stat -c %F /dev/null; touch /x 2>/dev/null || echo read-only',
      (config, { rootfs }) => {
        if (users) withUsers(config);
        // The first of the list, so that the others lie in it.
        config.mounts.unshift(bind(otherRoot(rootfs), '/', 'ro'));
      },
    );
    assert.deepEqual(lines(output), ['the other root', '/home-of-root', 'character special file', 'read-only']);
  });

  check(`a tmpfs on / is the root; it has what later mounts put there${suffix}`, notTmpfs, (box) => {
    chmodSync(dirname(box.directory), 0o711);
    chmodSync(box.directory, 0o711);
    const output = box.shell('ls / ; stat -c %a /; cat /proc/self/mountinfo', (config, { rootfs }) => {
      if (users) withUsers(config);
      config.mounts.unshift(tmpfs('/', 'mode=751', 'size=1m'), bind(join(rootfs, 'bin'), '/bin', 'ro'));
    });
    assert.deepEqual(lines(output).slice(0, 5), ['bin', 'dev', 'proc', 'sys', '751']);
    assert.equal(mountAt(parseMountinfo(output), '/').type, 'tmpfs');
  });
}

check('what is below the mount on / stays as it is: no mount point and no device is made there', notTmpfs, (box) => {
  const container = box.container((config, { rootfs }) => {
    config.mounts.unshift(tmpfs('/', 'mode=755'), bind(join(rootfs, 'bin'), '/bin'), bind(volume(box, 'v'), '/new'));
  });
  ok(container.run());
  assert.equal(existsSync(join(container.rootfs, 'new')), false);
  assert.deepEqual(readdirSync(join(container.rootfs, 'dev')), []);
});

check('exec enters what is mounted on /', notOnRoot, (box) => {
  const container = box.container((config, { rootfs }) => {
    config.mounts.unshift(bind(otherRoot(rootfs), '/'));
    config.process.args = ['/bin/sleep', '300'];
  });
  ok(container.create());
  ok(container.start());
  assert.equal(ok(container.exec(['/bin/cat', '/marker'])).stdout, 'the other root\n');
});

// --- sources in the container's own root ------------------------------------------------------------------------------

const sourceFirst = {
  knownToFail: {
    runc: 'destinations with the path of the root are not stripped (1.1.5)',
    crun: 'destinations with the path of the root are not stripped',
  },
};

check('a destination that begins with the path of the root is meant inside of it', sourceFirst, (box) => {
  const container = box.container((config, { rootfs }) => {
    config.mounts.push(bind(volume(box, 'v'), `${rootfs}/data`));
    config.process.args = ['/bin/cat', '/data/file'];
  });
  assert.equal(ok(container.run()).stdout, 'v\n');
});

check('a source in the root is what an earlier mount has put there, with all below it', (box) => {
  const output = box.shell('cat /final/file /final/x/file /one/file /one-file; ls /flat/x', (config, { rootfs }) => {
    const outer = volume(box, 'outer');
    mkdirSync(join(outer, 'x'));
    config.mounts.push(bind(outer, '/mnt'), bind(volume(box, 'inner'), '/mnt/x'));
    config.mounts.push(bind(`${rootfs}/mnt`, '/final'));
    config.mounts.push(bind(`${rootfs}/mnt/x`, '/one'));
    config.mounts.push(bind(`${rootfs}/mnt/x/file`, '/one-file'));
    config.mounts.push({ ...bind(`${rootfs}/mnt`, '/flat'), options: ['bind'] });
    mkdirSync(join(rootfs, 'mnt'));
  });
  assert.deepEqual(lines(output), ['outer', 'inner', 'inner', 'inner']);
});

const unreached = { knownToFail: { runc: 'the source is not found (1.1.5)', crun: 'the source is not found' } };
check(
  'so it is in a user namespace, where its root can not reach the sources of the earlier mounts',
  unreached,
  (box) => {
    chmodSync(dirname(box.directory), 0o711);
    chmodSync(box.directory, 0o711);
    const output = box.shell(
      'cat /final/x/file; touch /final/x/new 2>/dev/null || echo locked',
      (config, { rootfs }) => {
        withUsers(config);
        const hidden = join(box.directory, 'hidden');
        mkdirSync(join(hidden, 'inner'), { recursive: true });
        writeFileSync(join(hidden, 'inner/file'), 'inner\n');
        chownSync(join(hidden, 'inner'), 100_000, 100_000);
        chmodSync(hidden, 0o700);
        for (const name of ['mnt', 'final']) mkdirSync(join(rootfs, name));
        const outer = volume(box, 'outer');
        mkdirSync(join(outer, 'x'));
        config.mounts.push(bind(outer, '/mnt'), bind(join(hidden, 'inner'), '/mnt/x', 'ro'));
        config.mounts.push(bind(`${rootfs}/mnt`, '/final'));
      },
    );
    assert.deepEqual(lines(output), ['inner', 'locked']);
  },
);

check('options of such a mount hold for it alone', (box) => {
  const output = box.shell('cat /proc/self/mountinfo', (config, { rootfs }) => {
    mkdirSync(join(rootfs, 'mnt'));
    config.mounts.push(bind(volume(box, 'v'), '/mnt'), bind(`${rootfs}/mnt`, '/final', 'ro', 'nosuid', 'noexec'));
  });
  const table = parseMountinfo(output);
  for (const word of ['ro', 'nosuid', 'noexec']) {
    assert.ok(mountAt(table, '/final').options.includes(word), word);
    assert.ok(!mountAt(table, '/mnt').options.includes(word), word);
  }
});

// The volume is shared with another container, or is an image's: its links must not choose what of the host is bound.
check(
  'a link in the volume of an earlier mount does not lead a source to the host',
  { knownToFail: { runc: 'follows it on the host (1.1.5)', crun: 'follows it on the host' } },
  (box) => {
    const secret = join(box.directory, 'secret');
    mkdirSync(secret);
    writeFileSync(join(secret, 'canary'), 'of the host\n');
    const container = box.container((config, { rootfs }) => {
      const shared = volume(box, 'shared');
      symlinkSync(secret, join(shared, 'link'));
      symlinkSync(`${'../'.repeat(30)}${secret.slice(1)}`, join(shared, 'relative'));
      mkdirSync(join(rootfs, 'mnt'));
      config.mounts.push(bind(shared, '/mnt'));
      config.mounts.push(bind(`${rootfs}/mnt/link`, '/a'), bind(`${rootfs}/mnt/relative`, '/b'));
      config.process.args = ['/bin/sh', '-c', 'cat /a/canary /b/canary 2>/dev/null; true'];
    });
    const result = container.run();
    assert.doesNotMatch(result.stdout, /of the host/);
    if (result.status !== 0) refused(result);
  },
);

check('a source in the root that no earlier mount makes is an error that names it', (box) => {
  const container = box.container((config, { rootfs }) => {
    mkdirSync(join(rootfs, 'mnt'));
    config.mounts.push(bind(volume(box, 'v'), '/mnt'), bind(`${rootfs}/mnt/missing`, '/a'));
  });
  refused(container.create(), /mnt\/missing/);
  box.assertNothingLeft();
});

// --- modes, and many --------------------------------------------------------------------------------------------------

check(
  'the mount table shows the mode that a tmpfs has from the directory that it covers',
  { knownToFail: { runc: 'it does not (1.1.5)', crun: 'the mode is not that of the directory' } },
  (box) => {
    const output = box.shell('stat -c %a /closed; cat /proc/self/mountinfo', (config, { rootfs }) => {
      addFile(rootfs, 'closed/file', '');
      chmodSync(join(rootfs, 'closed'), 0o710);
      config.mounts.push(tmpfs('/closed'), tmpfs('/new'));
    });
    assert.equal(lines(output)[0], '710');
    assert.ok(mountAt(parseMountinfo(output), '/closed').superOptions.includes('mode=710'));
    assert.ok(!mountAt(parseMountinfo(output), '/new').superOptions.some((word) => word.startsWith('mode=')));
  },
);

check(
  'a thousand mounts are made, also where the caller may open 1,024 files only; the program has that limit',
  { knownToFail: { runc: 'the program has the limit that Go has raised (1.1.5)' } },
  (box) => {
    const source = volume(box, 'v');
    const container = box.container((config) => {
      for (let index = 0; index < 1000; index++)
        config.mounts.push(index % 2 === 0 ? bind(source, `/m/${index}`, 'ro') : tmpfs(`/m/${index}`, 'size=64k'));
      config.process.args = ['/bin/sh', '-c', 'grep -c " /m/" /proc/self/mountinfo; ulimit -Sn; cat /m/998/file'];
    });
    // As a child of who has the limit: an engine may raise its own.
    const result = container.run({ prelude: 'ulimit -Sn 1024; "$@"; exit' });
    assert.deepEqual(lines(ok(result).stdout), ['1000', '1024', 'v']);
  },
);

check(
  'a link of the image in the place of an earlier mount does not lead a source to the host',
  { knownToFail: { runc: 'looks it up on the host' } },
  (box) => {
    const secret = join(box.directory, 'secret');
    mkdirSync(secret);
    writeFileSync(join(secret, 'of-the-host'), '');
    const container = box.container((config, { rootfs }) => {
      config.root.readonly = false;
      // Dangling in the image, not on the host.
      symlinkSync(secret, join(rootfs, 'linked'));
      config.mounts.push(tmpfs('/linked', 'size=64k'), bind(join(rootfs, 'linked'), '/found'));
      config.process.args = ['/bin/ls', '/found'];
    });
    const result = container.run();
    assert.doesNotMatch(`${result.stdout}${result.stderr}`, /of-the-host/);
  },
);
