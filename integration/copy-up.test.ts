// tmpcopyup, as runt does it: what it refuses and how it says so, its limits, what `runt plan` shows.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  addFile,
  type Config,
  check,
  inMountNamespace,
  ok,
  refused,
  type Sandbox,
} from '../conformance/harness/index.ts';

const tmpfs = (destination: string, ...options: string[]) => ({
  destination,
  type: 'tmpfs',
  source: 'tmpfs',
  options: ['tmpcopyup', ...options],
});

const bind = (source: string, destination: string) => ({ destination, type: 'bind', source, options: ['bind'] });

check('what is not a tmpfs, or can not be copied as it will be, is refused by name', (box) => {
  const source = join(box.directory, 'volume');
  mkdirSync(source);
  const cases: [Config['mounts'], RegExp][] = [
    [
      [{ ...bind(source, '/run'), options: ['bind', 'tmpcopyup'] }],
      /\/mounts\/6\/options\/1: .*tmpcopyup.* fills a tmpfs/,
    ],
    [[bind(source, '/run/inner'), tmpfs('/run')], /tmpcopyup for .*\/run.*\/run\/inner.*\/mounts\/7\/options\/0/],
    [[tmpfs('/sys/kernel')], /tmpcopyup for .*\/sys\/kernel.*\/sys.* covers/],
  ];
  for (const [mounts, message] of cases) {
    const container = box.container((config, { rootfs }) => {
      config.mounts.push(...mounts);
      mkdirSync(join(rootfs, 'run/inner'), { recursive: true });
    });
    refused(container.create(), message);
  }
  box.assertNothingLeft();
});

check('a tmpfs that is too small is an error at the option that says so', (box) => {
  const container = box.container((config, { rootfs }) => {
    config.mounts.push(tmpfs('/run', 'size=64k'));
    addFile(rootfs, 'run/folder/big', 'x'.repeat(1_000_000));
  });
  const { stderr } = refused(container.create(), /copy .*\/run\/folder\/big.*ENOSPC.*\/mounts\/6\/options\/1/);
  assert.match(stderr, /size=64k/);
  box.assertNothingLeft();
});

check('more than the container may have of memory is not copied', (box) => {
  const container = box.container((config, { rootfs }) => {
    config.linux.resources = { ...config.linux.resources, memory: { limit: 30_000_000 } };
    config.mounts.push(tmpfs('/run'));
    addFile(rootfs, 'run/big', '');
    writeFileSync(join(rootfs, 'run/big'), Buffer.alloc(31_000_000, 'x'));
  });
  refused(container.create(), /tmpcopyup.*\/run.*30000000.*\/linux\/resources\/memory\/limit/);
  box.assertNothingLeft();
});

check('directories deeper than any image has them are an error', (box) => {
  const make = (depth: number) =>
    box.container((config, { rootfs }) => {
      config.mounts.push(tmpfs('/run'));
      addFile(rootfs, `run/${'d/'.repeat(depth)}file`, 'deep');
    });
  ok(make(200).run());
  refused(make(201).create(), /too deep/);
});

check('what is mounted below the destination in the image is not entered', (box) => {
  const container = box.container((config, { rootfs }) => {
    config.mounts.push(tmpfs('/run'));
    mkdirSync(join(rootfs, 'run/inner'), { recursive: true });
  });
  const inner = join(container.rootfs, 'run/inner');
  refused(
    container.create({ prelude: inMountNamespace(`mount -t tmpfs inner ${inner}`) }),
    /\/run\/inner.*mount of its own/,
  );
  box.assertNothingLeft();
});

check('plan shows what would be copied, and that init only attaches it', (box) => {
  const volume = join(box.directory, 'volume');
  addFile(volume, 'cache/file', '');
  const container = box.container((config, { rootfs }) => {
    config.mounts.push(tmpfs('/run', 'ro'), bind(volume, '/data'), tmpfs('/data/cache'), tmpfs('/missing'));
    addFile(rootfs, 'run/file', '');
  });
  const planned = JSON.parse(ok(box.command(['plan', '--bundle', container.bundle, '--format', 'json'], {})).stdout);
  assert.deepEqual(planned.host, [
    { sentence: `copy ${container.rootfs}/run into a tmpfs for /run`, pointer: '/mounts/6' },
    { sentence: `copy ${volume}/cache into a tmpfs for /data/cache`, pointer: '/mounts/8' },
  ]);
  const text = ok(box.command(['plan', '--bundle', container.bundle], {})).stdout;
  assert.match(text, /copy \S+\/rootfs\/run into a tmpfs for \/run/);
  assert.match(text, /mount tmpfs on \/run \(tmpcopyup,ro\)/);
  assert.match(text, /make \/run read-only/);
});

const USER = 1000;
const as = `setpriv --reuid ${USER} --regid ${USER} --clear-groups`;
const can = (command: string): boolean => spawnSync('/bin/sh', ['-c', command], { stdio: 'ignore' }).status === 0;
const rootless = can(`${as} unshare --user --map-root-user --mount true`)
  ? false
  : 'needs users that may have namespaces';

/** A container of a user's. */
function ofUser(box: Sandbox, edit: (config: Config) => void) {
  chmodSync(dirname(box.directory), 0o711);
  chmodSync(box.directory, 0o711);
  chownSync(box.root, USER, USER);
  const container = box.container((config, { rootfs }) => {
    delete config.linux.resources;
    config.linux.namespaces = ['pid', 'ipc', 'uts', 'mount'].map((type) => ({ type }));
    config.mounts = config.mounts.filter(({ destination }) => destination === '/proc');
    config.mounts.push(tmpfs('/run'), tmpfs('/missing'));
    addFile(rootfs, 'run/file', 'of the image\n');
    config.process.args = ['/bin/sh', '-c', 'cat /run/file; touch /run/new /missing/new'];
    edit(config);
  });
  const give = (path: string): void => {
    chownSync(path, USER, USER);
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      if (entry.isDirectory()) give(join(path, entry.name));
    }
  };
  give(container.bundle);
  chownSync(join(container.rootfs, 'run/file'), USER, USER);
  return container;
}

check(
  'who may not mount on the host is told so by name, and may still have an empty tmpfs',
  { skip: rootless },
  (box) => {
    const container = ofUser(box, (config) => {
      config.linux.namespaces.push({ type: 'user' });
      config.linux.uidMappings = [{ containerID: 0, hostID: USER, size: 1 }];
      config.linux.gidMappings = [{ containerID: 0, hostID: USER, size: 1 }];
    });
    const prelude = `set -- ${as} "$@"`;
    refused(container.create({ prelude }), /tmpcopyup for .*\/run.*may not mount.*\/mounts\/1\/options\/0/);
    box.assertNothingLeft();
    const other = ofUser(box, (config) => {
      config.linux.namespaces.push({ type: 'user' });
      config.linux.uidMappings = [{ containerID: 0, hostID: USER, size: 1 }];
      config.linux.gidMappings = [{ containerID: 0, hostID: USER, size: 1 }];
      config.mounts = config.mounts.filter(({ destination }) => destination !== '/run');
      config.process.args = ['/bin/touch', '/missing/new'];
    });
    ok(other.run({ prelude }));
  },
);

check(
  'in a user namespace of the caller’s own, as an engine without privileges has it, it works',
  { skip: rootless },
  (box) => {
    const container = ofUser(box, () => undefined);
    const prelude = `set -- ${as} unshare --user --map-root-user --mount "$@"`;
    assert.equal(ok(container.run({ prelude })).stdout, 'of the image\n');
  },
);

check('the copier follows nothing and stays where it is while the image is changed under it', (box) => {
  const secret = join(box.directory, 'secret');
  mkdirSync(secret);
  writeFileSync(join(secret, 'key'), 'of the host');
  const container = box.container((config, { rootfs }) => {
    config.mounts.push(tmpfs('/run'));
    for (let index = 0; index < 50; index++) addFile(rootfs, `run/${index}/swapped/key`, 'of the image');
    config.process.args = ['/bin/sh', '-c', 'cat /run/*/swapped/key'];
  });
  // Directories become links to the secret and directories again, all the time.
  const script = `cd ${container.rootfs}/run; while :; do for d in *; do mv $d/swapped $d/kept; ln -s ${secret} $d/swapped; rm $d/swapped; mv $d/kept $d/swapped; done; done`;
  const swapper = spawn('/bin/sh', ['-c', script], { stdio: 'ignore' });
  try {
    for (let round = 0; round < 10; round++) {
      const { stdout } = container.run();
      assert.doesNotMatch(stdout, /of the host/);
      box.command(['delete', '--force', container.id], {});
    }
  } finally {
    swapper.kill('SIGKILL');
  }
});
