// Attacks on the writing of labels by what an image has in the place of /proc, each named by its CVE. A runtime may refuse, or write the label where it
// belongs; the program may never run without it.

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  type Config,
  type Container,
  check,
  lastingIn,
  loadProfile,
  needsAppArmor,
  profileOf,
  refused,
  type Sandbox,
  startedProgram,
} from './harness/index.ts';

const apparmor = { skip: needsAppArmor };

/** Whatever the image has there: the program is in its profile, or is not run. */
function confinedOrRefused(
  box: Sandbox,
  prepare: (container: Container) => void,
  change: (config: Config) => void,
): void {
  loadProfile(box, 'attack', '', (profile) => {
    const container = box.container((config) => {
      lastingIn(profile)(config);
      // What the image has can be written to: a label that goes astray is not refused by chance.
      config.root.readonly = false;
      config.linux.maskedPaths = [];
      config.linux.readonlyPaths = [];
      change(config);
    });
    prepare(container);
    const created = container.create();
    if (created.status !== 0) {
      refused(created);
      return;
    }
    assert.equal(profileOf(startedProgram(container)), profile);
    const file = join(box.directory, 'pid');
    const added = container.exec(['/bin/sleep', '300'], { flags: ['--detach', '--pid-file', file] });
    if (added.status === 0) assert.equal(profileOf(Number(readFileSync(file, 'utf8'))), profile);
    else refused(added);
  });
}

const withoutProc = (config: Config) => {
  config.mounts = config.mounts.filter(({ destination }) => destination !== '/proc');
};

/** Files of the image where the label would be written. */
function forge(directory: string, make: (path: string) => void): void {
  for (const self of ['self', 'thread-self', '1']) {
    for (const file of ['attr/exec', 'attr/current', 'attr/apparmor/exec', 'attr/apparmor/current']) {
      const path = join(directory, self, file);
      mkdirSync(dirname(path), { recursive: true });
      make(path);
    }
  }
}

check(
  'CVE-2019-16884: plain files of the image in the place of /proc/self/attr do not take the label',
  apparmor,
  (box) => {
    const prepare = ({ rootfs }: Container) => forge(join(rootfs, 'proc'), (path) => writeFileSync(path, ''));
    confinedOrRefused(box, prepare, withoutProc);
  },
);

for (const how of ['in the place of', 'over'] as const) {
  check(`CVE-2019-16884: a volume ${how} /proc does not take the label`, apparmor, (box) => {
    const source = join(box.directory, 'volume');
    forge(source, (path) => writeFileSync(path, ''));
    confinedOrRefused(
      box,
      () => undefined,
      (config) => {
        if (how === 'in the place of') withoutProc(config);
        config.mounts.push({ destination: '/proc', type: 'bind', source, options: ['rbind'] });
      },
    );
  });
}

for (const [cve, target] of [
  ['CVE-2019-19921', '/volume'],
  ['CVE-2023-28642', 'volume'],
] as const) {
  check(
    `${cve}: a /proc of the image that is a link to ${target} does not take the label elsewhere`,
    apparmor,
    (box) => {
      const source = join(box.directory, 'volume');
      forge(source, (path) => writeFileSync(path, ''));
      const prepare = ({ rootfs }: Container) => {
        rmSync(join(rootfs, 'proc'), { recursive: true });
        symlinkSync(target, join(rootfs, 'proc'));
      };
      confinedOrRefused(box, prepare, (config) => {
        config.mounts.unshift({ destination: '/volume', type: 'bind', source, options: ['bind'] });
      });
    },
  );
}

// "A file of a real procfs" is what the checks of that time asked for.
const redirected = { ...apparmor, knownToFail: { runc: 'vulnerable: the program runs without its profile (1.1.5)' } };
check('CVE-2025-52881: the label does not go to another file of a real procfs', redirected, (box) => {
  const prepare = ({ rootfs }: Container) => {
    forge(join(rootfs, 'proc'), (path) => symlinkSync('/real/self/comm', path));
    // What a runtime looks at besides is as it should be.
    for (const name of ['fd', 'status', 'stat', 'mountinfo', 'cgroup', 'ns', 'task']) {
      symlinkSync(`/real/self/${name}`, join(rootfs, 'proc/self', name));
    }
    for (const name of ['sys', 'filesystems']) symlinkSync(`/real/${name}`, join(rootfs, 'proc', name));
  };
  confinedOrRefused(box, prepare, (config) => {
    withoutProc(config);
    config.mounts.push({ destination: '/real', type: 'proc', source: 'proc' });
  });
});
