// process.apparmorProfile, process.selinuxLabel (config.md), linux.mountLabel (config-linux.md), and exec's options for them. What a program is confined by
// is read on the host, in the real procfs.

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  addedProgram,
  type Config,
  check,
  hasAppArmor,
  hasSelinux,
  lastingIn,
  loadProfile,
  needsAppArmor,
  ok,
  profileOf,
  ran,
  refused,
  startedProgram,
  writeIn,
} from './harness/index.ts';

const seccomp = { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['acct'], action: 'SCMP_ACT_ERRNO' }] };

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
        lastingIn(profile)(config);
        change(config);
      });
      assert.equal(profileOf(startedProgram(container)), profile);
      assert.equal(profileOf(addedProgram(box, container, [])), profile);
    });
  });
}

// Nobody may mount a procfs of the host's processes there.
check("an AppArmor profile is in force in a user namespace with the host's pid namespace", apparmor, (box) => {
  loadProfile(box, 'plain', '', (profile) => {
    const container = box.container((config) => {
      lastingIn(profile)(config);
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
    assert.equal(profileOf(startedProgram(container)), profile);
  });
});

check('exec takes the profile of its option, or of its description', apparmor, (box) => {
  loadProfile(box, 'one', '', (one) => {
    loadProfile(box, 'two', '', (two) => {
      const container = box.container(lastingIn(one));
      startedProgram(container);
      assert.equal(profileOf(addedProgram(box, container, ['--apparmor', two])), two);
      const file = writeIn(box, 'process.json', JSON.stringify(process(two)));
      assert.equal(profileOf(addedProgram(box, container, ['--process', file], [])), two);
    });
  });
});

// As for SELinux labels, and as in crun.
const inherited = { ...apparmor, knownToFail: { runc: 'it runs without a profile (1.1.5)' } };
check("a program that exec's description gives no profile gets that of the container", inherited, (box) => {
  loadProfile(box, 'one', '', (profile) => {
    const container = box.container(lastingIn(profile));
    startedProgram(container);
    const file = writeIn(box, 'process.json', JSON.stringify(process()));
    assert.equal(profileOf(addedProgram(box, container, ['--process', file], [])), profile);
  });
});

check('a profile that is not loaded makes create fail, naming it; nothing is left', apparmor, (box) => {
  const container = box.container(lastingIn('no-such-profile'));
  refused(container.create(), /apparmor/i);
  refused(container.stateResult());
  box.assertNothingLeft();
});

check('a profile that is not loaded makes exec fail; the container goes on', apparmor, (box) => {
  const container = box.container((config) => {
    config.process.args = ['/bin/sleep', '300'];
  });
  startedProgram(container);
  refused(container.exec(['/bin/true'], { flags: ['--apparmor', 'no-such-profile'] }), /apparmor/i);
  assert.equal(container.state().status, 'running');
});

check('the profile "unconfined" is that of a process without one', apparmor, (box) => {
  assert.equal(profileOf(startedProgram(box.container(lastingIn('unconfined')))), 'unconfined');
});

// A createContainer hook is a program of the host's, which the profile knows nothing of; a startContainer hook is the container's.
check('createContainer hooks are not in the profile, startContainer hooks are', apparmor, (box) => {
  loadProfile(box, 'hooks', '', (profile) => {
    const place = join(box.directory, 'place');
    mkdirSync(place);
    const container = box.container((config) => {
      lastingIn(profile)(config);
      config.mounts.push({ destination: place, type: 'bind', source: place, options: ['bind', 'rw'] });
      const look = (kind: string) => [
        { path: '/bin/sh', args: ['sh', '-c', `read -r l </proc/self/attr/current; echo "$l" >${place}/${kind}`] },
      ];
      config.hooks = { createContainer: look('createContainer'), startContainer: look('startContainer') };
    });
    startedProgram(container);
    assert.equal(readFileSync(join(place, 'createContainer'), 'utf8'), 'unconfined\n');
    assert.equal(readFileSync(join(place, 'startContainer'), 'utf8'), `${profile} (enforce)\n`);
  });
});

// --- hosts without the security module ------------------------------------------------------------------------------

const noAppArmor = { skip: hasAppArmor && 'the host has AppArmor' };
const noSelinux = { skip: hasSelinux && 'the host has SELinux' };

check('an AppArmor profile is refused where the host has no AppArmor; nothing is left', noAppArmor, (box) => {
  refused(box.container(lastingIn('profile')).create(), /apparmor/i);
  box.assertNothingLeft();
});

check('an AppArmor profile is refused for exec where the host has no AppArmor', noAppArmor, (box) => {
  const container = box.container((config) => {
    config.process.args = ['/bin/sleep', '300'];
  });
  startedProgram(container);
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
    /selinux is (disabled|not)/i,
  );
  box.assertNothingLeft();
});

check('an SELinux label is refused for exec where the host has no SELinux', noSelinux, (box) => {
  const container = box.container((config) => {
    config.process.args = ['/bin/sleep', '300'];
  });
  startedProgram(container);
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
