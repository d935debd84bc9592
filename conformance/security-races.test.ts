// Attacks by somebody who changes a volume, or the mounts of the host, while a container is made. A racer runs beside the runtime; whatever it hits, the
// runtime may refuse, or stay within the root.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { check, mountsOf, ok, ran, ranOrRefused, type Sandbox, waitFor } from './harness/index.ts';

/** Swaps the directory `d` of the volume and a link to `target`, again and again, as fast as it can. What the runtime makes in the way goes. */
const RACER = `
const { renameSync, mkdirSync, symlinkSync, rmSync, writeFileSync } = require('fs');
const [volume, target, ready] = process.argv.slice(1);
const d = volume + '/d', aside = volume + '/aside', link = volume + '/link';
mkdirSync(d); symlinkSync(target, link); writeFileSync(ready, '');
const attempt = (step) => { try { step(); return true; } catch { return false; } };
for (;;) {
  attempt(() => renameSync(d, aside));
  if (!attempt(() => renameSync(link, d))) {
    // The runtime has made a directory there meanwhile.
    attempt(() => rmSync(d, { recursive: true }));
    continue;
  }
  attempt(() => renameSync(d, link));
  if (!attempt(() => renameSync(aside, d))) attempt(() => mkdirSync(d));
}`;

function race(volume: string, target: string, ready: string): ChildProcess {
  const racer = spawn(process.execPath, ['-e', RACER, volume, target, ready], { stdio: 'ignore' });
  waitFor('the racer', () => existsSync(ready) || undefined);
  return racer;
}

const ATTEMPTS = 15;

/** A volume whose directory `d` leads to a directory of the host now and then, and what lies in that at the end. */
function raced(box: Sandbox, container: (volume: string) => void): string[] {
  const host = join(box.directory, 'victim');
  const volume = join(box.directory, 'volume');
  for (const path of [host, volume]) mkdirSync(path);
  const racer = race(volume, host, join(box.directory, 'ready'));
  try {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) container(volume);
  } finally {
    racer.kill('SIGKILL');
  }
  return readdirSync(host);
}

const names = Array.from({ length: 12 }, (_, index) => `sub${index}`);

// CVE-2024-45310: what is missing of a mount point was made by a path that had been looked at before.
for (const [what, race] of [
  ['directories', 'race: MkdirAll is vulnerable (1.1.5)'],
  ['files', 'race: MkdirAll is vulnerable (1.1.5)'],
] as const) {
  check(`CVE-2024-45310: no mount point appears on the host, ${what}`, { knownToFail: { runc: race } }, (box) => {
    const file = join(box.directory, 'file');
    writeFileSync(file, '');
    const found = raced(box, (volume) => {
      const container = box.container((config) => {
        config.mounts.push({ destination: '/data', type: 'bind', source: volume, options: ['rbind'] });
        for (const name of names) {
          const destination = `/data/d/${name}/below`;
          config.mounts.push(
            what === 'files'
              ? { destination, type: 'bind', source: file, options: ['bind'] }
              : { destination, type: 'tmpfs', source: 'tmpfs', options: ['size=64k'] },
          );
        }
      });
      ranOrRefused(container.run());
    });
    assert.deepEqual(found, []);
  });
}

// CVE-2021-30465: a mount ended outside of the root, and a later one was reached by way of it.
const alsoMade = { knownToFail: { runc: 'race: mount points are made there, CVE-2024-45310 (1.1.5)' } };
check('CVE-2021-30465: no mount ends outside of the root, and none shows what the host has', alsoMade, (box) => {
  const canary = join(box.directory, 'victim', 'canary');
  const found = raced(box, (volume) => {
    if (!existsSync(canary)) writeFileSync(canary, 'of the host\n');
    const container = box.container((config) => {
      config.mounts.push({ destination: '/data', type: 'bind', source: volume, options: ['rbind'] });
      for (const name of names)
        config.mounts.push({ destination: `/data/d/${name}`, type: 'tmpfs', source: 'tmpfs', options: ['size=64k'] });
      config.mounts.push({ destination: '/data/d', type: 'tmpfs', source: 'last', options: ['size=64k'] });
      config.process.args = ['/bin/sh', '-c', 'cat /data/d/canary /data/*/canary 2>/dev/null; echo end'];
    });
    const result = container.run();
    assert.doesNotMatch(result.stdout, /of the host/);
    assert.deepEqual(mountsOf(box.token), []);
  });
  assert.deepEqual(found, ['canary']);
});

// CVE-2026-88265: standard streams were replaced by, and given away with, whatever /dev/null of the image led to.
const runc = 'vulnerable: the file becomes a standard stream (1.1.5)';
const crun = 'vulnerable: the file becomes a standard stream, and the user’s (1.8.1)';
for (const [what, redirect, knownToFail] of [
  ['a pipe', '"$@" < /dev/null | cat', { runc, crun }],
  ['closed', '"$@" <&- 2>/dev/null', { runc }],
  ['/dev/null', '"$@" </dev/null', { runc, crun }],
] as const) {
  check(
    `CVE-2026-88265: /dev/null of the image is a link to a file of the host; streams: ${what}`,
    { knownToFail },
    (box) => {
      const file = join(box.directory, 'file');
      writeFileSync(file, 'precious\n', { mode: 0o600 });
      const owner = (path: string): string => {
        const { uid, gid, mode, ino } = statSync(path);
        return [uid, gid, mode, ino].join();
      };
      const before = [owner(file), owner('/dev/null')];
      const container = box.container((config, { rootfs }) => {
        config.root.readonly = false;
        config.process.user = { uid: 1000, gid: 1000 };
        config.mounts = config.mounts.filter(({ destination }) => !destination.startsWith('/dev'));
        config.mounts.push({ destination: '/hostfile', type: 'bind', source: file, options: ['bind'] });
        rmSync(join(rootfs, 'dev'), { recursive: true });
        mkdirSync(join(rootfs, 'dev'));
        symlinkSync('/hostfile', join(rootfs, 'dev/null'));
      });
      const result = container.run({ prelude: `set -- /bin/sh -c '${redirect}' sh "$@"` });
      if (result.status === 0) ran(result);
      assert.deepEqual([owner(file), owner('/dev/null')], before);
      assert.equal(readFileSync(file, 'utf8'), 'precious\n');
    },
  );
}

// runc #2404: what a container mounts, or how, was seen on the host.
const needsShared =
  spawnSync('unshare', ['--mount', '--propagation', 'shared', 'true']).status === 0 ? false : 'needs unshare(1)';
for (const propagation of [undefined, 'private', 'slave', 'shared', 'unbindable']) {
  const name = propagation === undefined ? 'without a rootfsPropagation' : `with a root that is ${propagation}`;
  const known = propagation === 'unbindable' ? { knownToFail: { runc: 'can not be made (1.1.5)' } } : {};
  check(`runc #2404: the mounts of the host are as before, ${name}`, { ...known, skip: needsShared }, (box) => {
    const path = (file: string): string => join(box.directory, file);
    const container = box.container((config) => {
      if (propagation !== undefined) config.linux.rootfsPropagation = propagation;
      config.mounts.push({ destination: '/tmp', type: 'tmpfs', source: 'tmpfs' });
      config.mounts.push({ destination: '/root', type: 'bind', source: '/sys', options: ['rbind', 'ro'] });
    });
    mkdirSync(path('churn'));
    // Everything is shared, and somebody mounts and unmounts all the time.
    const script = [
      `look() { grep -v churn /proc/self/mountinfo | cut -d" " -f5- | sed "s/ master:[0-9]*//; s/shared:[0-9]*/shared/"; }`,
      `( while [ ! -e ${path('stop')} ]; do mount -t tmpfs churn ${path('churn')}; umount ${path('churn')}; done ) &`,
      `look > ${path('before')}`,
      ...Array.from({ length: 5 }, () => '"$@" || exit'),
      `look > ${path('after')}`,
      `touch ${path('stop')}`,
      'wait',
    ].join('\n');
    const result = container.run({
      prelude: `exec unshare --mount --propagation shared /bin/sh -c '${script}' sh "$@"`,
    });
    assert.match(ok(result).stdout, /^(the program ran\n){5}$/);
    assert.equal(readFileSync(path('after'), 'utf8'), readFileSync(path('before'), 'utf8'));
  });
}
