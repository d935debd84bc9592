// process.apparmorProfile, process.selinuxLabel (config.md), linux.mountLabel (config-linux.md), and exec's options for them. What a program is confined by
// is read on the host, in the real procfs.

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  type Config,
  type Container,
  check,
  hasAppArmor,
  hasSelinux,
  loadProfile,
  needsAppArmor,
  ok,
  profileOf,
  ran,
  refused,
  type Sandbox,
  waitFor,
  writeIn,
} from './harness/index.ts';

const seccomp = { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['acct'], action: 'SCMP_ACT_ERRNO' }] };

/** A program that stays, in the profile. */
const lasting = (profile: string) => (config: Config) => {
  config.process.apparmorProfile = profile;
  config.process.args = ['/bin/sleep', '300'];
};

/** Creates and starts the container; the pid of its program, when that is executed. */
function started(container: Container): number {
  ok(container.create());
  ok(container.start());
  const pid = container.pid();
  waitFor('the program', () => readFileSync(`/proc/${pid}/comm`, 'utf8') === 'sleep\n');
  return pid;
}

/** Runs a program that stays in the container, by `exec FLAGS`; its pid on the host. */
function execLasting(
  box: Sandbox,
  container: Container,
  flags: string[],
  args: string[] = ['/bin/sleep', '300'],
): number {
  const file = join(box.directory, 'pid');
  ok(container.exec(args, { flags: ['--detach', '--pid-file', file, ...flags] }));
  return Number(readFileSync(file, 'utf8'));
}

const process = (profile?: string) => ({
  user: { uid: 0, gid: 0 },
  cwd: '/',
  env: ['PATH=/bin'],
  args: ['/bin/sleep', '300'],
  ...(profile === undefined ? {} : { apparmorProfile: profile }),
});

// --- AppArmor -------------------------------------------------------------------------------------------------------

const apparmor = { skip: needsAppArmor };

check('the program runs in its AppArmor profile, whose rules hold', apparmor, (box) => {
  loadProfile(box, 'deny', 'deny /secret r,', (profile) => {
    const container = box.container((config) => {
      config.process.apparmorProfile = profile;
      config.process.args = ['/bin/sh', '-c', 'cat /proc/self/attr/current /open; cat /secret 2>&1; echo end'];
    });
    for (const name of ['open', 'secret']) writeFileSync(join(container.rootfs, name), `${name}\n`);
    const { stdout } = ok(container.run());
    assert.match(stdout, new RegExp(`^${profile} \\(enforce\\)\nopen\n`));
    assert.match(stdout, /ermission denied\nend\n$/);
  });
});

const variants: [string, (config: Config) => void][] = [
  [
    'without noNewPrivileges',
    (config) => {
      config.process.noNewPrivileges = false;
    },
  ],
  [
    'with a seccomp filter',
    (config) => {
      config.linux.seccomp = seccomp;
    },
  ],
  [
    'with a seccomp filter and without noNewPrivileges',
    (config) => {
      config.linux.seccomp = seccomp;
      config.process.noNewPrivileges = false;
    },
  ],
  [
    'as a user without capabilities',
    (config) => {
      config.process.user = { uid: 1000, gid: 1000 };
    },
  ],
  [
    "in the host's pid namespace",
    (config) => {
      config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== 'pid');
    },
  ],
  [
    'in a user namespace',
    (config) => {
      config.linux.namespaces.push({ type: 'user' });
      config.linux.uidMappings = [{ containerID: 0, hostID: 0, size: 65536 }];
      config.linux.gidMappings = [{ containerID: 0, hostID: 0, size: 65536 }];
    },
  ],
];
for (const [how, change] of variants) {
  check(`an AppArmor profile is in force ${how}, and for what exec adds`, apparmor, (box) => {
    loadProfile(box, 'plain', '', (profile) => {
      const container = box.container((config) => {
        lasting(profile)(config);
        change(config);
      });
      assert.equal(profileOf(started(container)), profile);
      assert.equal(profileOf(execLasting(box, container, [])), profile);
    });
  });
}

// Nobody may mount a procfs of the host's processes there.
check("an AppArmor profile is in force in a user namespace with the host's pid namespace", apparmor, (box) => {
  loadProfile(box, 'plain', '', (profile) => {
    const container = box.container((config) => {
      lasting(profile)(config);
      config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== 'pid').concat({ type: 'user' });
      config.linux.uidMappings = [{ containerID: 0, hostID: 0, size: 65536 }];
      config.linux.gidMappings = [{ containerID: 0, hostID: 0, size: 65536 }];
      config.mounts = config.mounts.map((mount) =>
        mount.type === 'proc'
          ? { destination: '/proc', type: 'bind', source: '/proc', options: ['rbind', 'nosuid', 'noexec', 'nodev'] }
          : mount,
      );
      config.linux.maskedPaths = [];
      config.linux.readonlyPaths = [];
    });
    assert.equal(profileOf(started(container)), profile);
  });
});

check('exec takes the profile of its option, or of its description', apparmor, (box) => {
  loadProfile(box, 'one', '', (one) => {
    loadProfile(box, 'two', '', (two) => {
      const container = box.container(lasting(one));
      started(container);
      assert.equal(profileOf(execLasting(box, container, ['--apparmor', two])), two);
      const file = writeIn(box, 'process.json', JSON.stringify(process(two)));
      assert.equal(profileOf(execLasting(box, container, ['--process', file], [])), two);
    });
  });
});

// As for SELinux labels, and as in crun.
const inherited = { ...apparmor, knownToFail: { runc: 'it runs without a profile (1.1.5)' } };
check("a program that exec's description gives no profile gets that of the container", inherited, (box) => {
  loadProfile(box, 'one', '', (profile) => {
    const container = box.container(lasting(profile));
    started(container);
    const file = writeIn(box, 'process.json', JSON.stringify(process()));
    assert.equal(profileOf(execLasting(box, container, ['--process', file], [])), profile);
  });
});

check('a profile that is not loaded makes create fail, naming it; nothing is left', apparmor, (box) => {
  const container = box.container(lasting('no-such-profile'));
  refused(container.create(), /apparmor/i);
  refused(container.stateResult());
  box.assertNothingLeft();
});

check('a profile that is not loaded makes exec fail; the container goes on', apparmor, (box) => {
  const container = box.container((config) => {
    config.process.args = ['/bin/sleep', '300'];
  });
  started(container);
  refused(container.exec(['/bin/true'], { flags: ['--apparmor', 'no-such-profile'] }), /apparmor/i);
  assert.equal(container.state().status, 'running');
});

check('the profile "unconfined" is that of a process without one', apparmor, (box) => {
  assert.equal(profileOf(started(box.container(lasting('unconfined')))), 'unconfined');
});

// A createContainer hook is a program of the host's, which the profile knows nothing of; a startContainer hook is the container's.
check('createContainer hooks are not in the profile, startContainer hooks are', apparmor, (box) => {
  loadProfile(box, 'hooks', '', (profile) => {
    const place = join(box.directory, 'place');
    mkdirSync(place);
    const container = box.container((config) => {
      lasting(profile)(config);
      config.mounts.push({ destination: place, type: 'bind', source: place, options: ['bind', 'rw'] });
      const look = (kind: string) => [
        { path: '/bin/sh', args: ['sh', '-c', `read -r l </proc/self/attr/current; echo "$l" >${place}/${kind}`] },
      ];
      config.hooks = { createContainer: look('createContainer'), startContainer: look('startContainer') };
    });
    started(container);
    assert.equal(readFileSync(join(place, 'createContainer'), 'utf8'), 'unconfined\n');
    assert.equal(readFileSync(join(place, 'startContainer'), 'utf8'), `${profile} (enforce)\n`);
  });
});

// --- attacks: where the image leads the writer of the label ---------------------------------------------------------

/** Whatever the image has there: the program is in its profile, or is not run. */
function confinedOrRefused(
  box: Sandbox,
  prepare: (container: Container) => void,
  change: (config: Config) => void,
): void {
  loadProfile(box, 'attack', '', (profile) => {
    const container = box.container((config) => {
      lasting(profile)(config);
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
    ok(container.start());
    const pid = container.pid();
    waitFor('the program', () => readFileSync(`/proc/${pid}/comm`, 'utf8') === 'sleep\n');
    assert.equal(profileOf(pid), profile);
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

for (const type of ['bind', 'tmpfs']) {
  check(`CVE-2019-16884: a volume (${type}) on /proc does not take the label`, apparmor, (box) => {
    const source = join(box.directory, 'volume');
    forge(source, (path) => writeFileSync(path, ''));
    confinedOrRefused(
      box,
      () => undefined,
      (config) => {
        config.mounts.push({ destination: '/proc', type, source, options: type === 'bind' ? ['rbind'] : [] });
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

// --- hosts without the security module ------------------------------------------------------------------------------

const noAppArmor = { skip: hasAppArmor && 'the host has AppArmor' };
const noSelinux = { skip: hasSelinux && 'the host has SELinux' };

check('an AppArmor profile is refused where the host has no AppArmor; nothing is left', noAppArmor, (box) => {
  refused(box.container(lasting('profile')).create(), /apparmor/i);
  box.assertNothingLeft();
});

check('an AppArmor profile is refused for exec where the host has no AppArmor', noAppArmor, (box) => {
  const container = box.container((config) => {
    config.process.args = ['/bin/sleep', '300'];
  });
  started(container);
  refused(container.exec(['/bin/true'], { flags: ['--apparmor', 'profile'] }), /apparmor/i);
  const file = writeIn(box, 'process.json', JSON.stringify(process('profile')));
  refused(container.exec([], { flags: ['--process', file] }), /apparmor/i);
});

const unconfined = { ...noAppArmor, knownToFail: { runc: 'refuses it without AppArmor, too (1.1.5)' } };
check('the profile "unconfined" is what a host without AppArmor gives', unconfined, (box) => {
  const container = box.container((config) => {
    config.process.apparmorProfile = 'unconfined';
  });
  ran(container.run());
});

check('empty labels are none', (box) => {
  const container = box.container((config) => {
    Object.assign(config.process, { apparmorProfile: '', selinuxLabel: '' });
    config.linux.mountLabel = '';
  });
  ran(container.run());
});

const label = 'system_u:system_r:container_t:s0:c1,c2';

check('an SELinux label is refused where the host has no SELinux; nothing is left', noSelinux, (box) => {
  refused(
    box
      .container((config) => {
        config.process.selinuxLabel = label;
      })
      .create(),
    /selinux/i,
  );
  box.assertNothingLeft();
});

check('an SELinux label is refused for exec where the host has no SELinux', noSelinux, (box) => {
  const container = box.container((config) => {
    config.process.args = ['/bin/sleep', '300'];
  });
  started(container);
  refused(container.exec(['/bin/true'], { flags: ['--process-label', label] }), /selinux/i);
});

// As the validation suite of the specification's authors wants it.
const mounts = { ...noSelinux, knownToFail: { runc: 'the kernel refuses the option (1.1.5)' } };
check('a mount label has no effect where the host has no SELinux, and a warning says so', mounts, (box) => {
  const log = join(box.directory, 'log.txt');
  const container = box.container((config) => {
    config.linux.mountLabel = label;
  });
  ran(container.run({ global: ['--log', log] }));
  assert.match(readFileSync(log, 'utf8'), /level=warning.*selinux/i);
});
