// Bundles that cannot become a container: one clear error, on stderr and in the log, and nothing left of the attempt.

import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Config, type Container, check, inMountNamespace, ran, refused, type Sandbox } from './harness/index.ts';

/** create and run have to refuse the bundle, and say so on stderr and in the log; nothing may be left. Returns the log's last message. */
function assertRefused(box: Sandbox, container: Container, message?: RegExp): void {
  const log = join(box.directory, 'log.json');
  for (const command of [container.create, container.run]) {
    rmSync(log, { force: true });
    const { stderr } = refused(command({ global: ['--log', log, '--log-format', 'json'] }), message);
    const entries = readFileSync(log, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { level: string; msg: string });
    const errors = entries.filter((entry) => entry.level === 'error');
    assert.ok(errors.length > 0, 'the log has an error');
    if (message !== undefined) assert.match(errors.map((entry) => entry.msg).join('\n'), message);
    assert.ok(stderr.split('\n').length < 60, 'the error is not a flood');
    refused(container.stateResult());
    box.assertNothingLeft();
    assert.deepEqual(
      readdirSync(box.root).filter((name) => name.includes(container.id)),
      [],
    );
  }
}

const raw = (container: Container, text: string) => writeFileSync(join(container.bundle, 'config.json'), text);

// --- the bundle -----------------------------------------------------------------------------------------------------

check('a bundle without config.json is refused', (box) => {
  const container = box.container();
  rmSync(join(container.bundle, 'config.json'));
  assertRefused(box, container, /config\.json/);
});

check('a bundle that does not exist is refused', (box) => {
  refused(box.command(['create', '--bundle', join(box.directory, 'missing'), `${box.token}-x`], {}), /missing/);
  assert.deepEqual(readdirSync(box.root), []);
});

check('a bundle that is a file is refused', (box) => {
  const file = join(box.directory, 'file');
  writeFileSync(file, '');
  refused(box.command(['create', '--bundle', file, `${box.token}-x`], {}));
  assert.deepEqual(readdirSync(box.root), []);
});

check('a config.json that is a directory is refused', (box) => {
  const container = box.container();
  rmSync(join(container.bundle, 'config.json'));
  mkdirSync(join(container.bundle, 'config.json'));
  assertRefused(box, container, /config\.json|is a directory/);
});

// --- not JSON, not an object ----------------------------------------------------------------------------------------

const texts: [string, string][] = [
  ['is empty', ''],
  ['is cut off', '{"ociVersion": "1.0.2", "process": {"args": ["sh"'],
  ['is not JSON', 'ociVersion: 1.0.2\n'],
  ['has a trailing comma', '{"ociVersion": "1.0.2",}'],
  ['is an array', '[]'],
  ['is a string', '"config"'],
  ['is binary', '\u0000\u0001\u0002'],
];
for (const [what, text] of texts) {
  check(`a config.json that ${what} is refused`, (box) => {
    const container = box.container();
    raw(container, text);
    assertRefused(box, container);
  });
}

// --- values ---------------------------------------------------------------------------------------------------------

type Change = (config: Config) => unknown;
const without = (name: string, key: string) => (config: Config) => {
  const changed = config as unknown as Record<string, Record<string, unknown>>;
  delete changed[name]?.[key];
};
const put = (name: string, key: string, value: unknown) => (config: Config) => {
  (config as unknown as Record<string, Record<string, unknown>>)[name] = {
    ...(config as unknown as Record<string, Record<string, unknown>>)[name],
    [key]: value,
  };
};
/** Beside the usual ones: without those other things are wrong, too. */
const withNamespace = (namespace: unknown) => (config: Config) => ({
  ...config,
  linux: { ...config.linux, namespaces: [...config.linux.namespaces, namespace] },
});
const top = (key: string, value: unknown) => (config: Config) => ({ ...config, [key]: value });

const lax = 'not checked by 1.1.5';
const bundleIsRoot = 'takes the bundle for the root (1.1.5)';
// [what, change, what the message names, why runc is known to fail]
const values: [string, Change, (RegExp | undefined)?, string?][] = [
  ['no root', (config) => ({ ...config, root: undefined }), /root/i],
  ['no root.path', without('root', 'path'), /root/, bundleIsRoot],
  ['an empty root.path', put('root', 'path', ''), /root/, bundleIsRoot],
  ['a root that is a string', top('root', 'rootfs'), /root/],
  ['no ociVersion', (config) => ({ ...config, ociVersion: undefined }), /ociVersion/, lax],
  ['an ociVersion that is not a version', top('ociVersion', 'latest'), /ociVersion|latest/, lax],
  ['the ociVersion of another major version', top('ociVersion', '2.0.0'), /2\.0\.0/, lax],
  ['an ociVersion that is a number', top('ociVersion', 1), /ociVersion/],
  ['no args', without('process', 'args'), /args/],
  ['empty args', put('process', 'args', []), /args/],
  ['args that are a string', put('process', 'args', '/bin/true'), /args/],
  ['args that are numbers', put('process', 'args', [1, 2]), /args/],
  ['no cwd', without('process', 'cwd'), /cwd/i],
  ['an env that is an object', put('process', 'env', { A: '1' }), /env/],
  ['a terminal that is a string', put('process', 'terminal', 'false'), /terminal/],
  ['a user that is a name', put('process', 'user', 'root'), /user/],
  ['a uid that is a string', put('process', 'user', { uid: '0', gid: 0 }), /uid/],
  ['a negative uid', put('process', 'user', { uid: -1, gid: 0 }), /uid/],
  ['a uid that does not fit', put('process', 'user', { uid: 4294967296, gid: 0 }), /uid/],
  ['a fractional gid', put('process', 'user', { uid: 0, gid: 1.5 }), /gid/],
  ['capabilities that are a list', put('process', 'capabilities', ['CAP_KILL']), /capabilities/],
  ['a negative rlimit', put('process', 'rlimits', [{ type: 'RLIMIT_NOFILE', soft: -1, hard: 10 }]), /soft|rlimit/],
  ['mounts that are an object', top('mounts', {}), /mounts/],
  ['a mount without a destination', top('mounts', [{ type: 'tmpfs', source: 'tmpfs' }])],
  ['mount options that are a string', top('mounts', [{ destination: '/x', type: 'tmpfs', options: 'ro' }]), /options/],
  ['a namespace that is a string', withNamespace('cgroup'), /namespace/],
  ['a namespace without a type', withNamespace({ path: '/proc/self/ns/cgroup' }), /namespace/],
  ['a sysctl that is a number', put('linux', 'sysctl', { 'net.ipv4.ip_forward': 1 }), /sysctl/],
  ['masked paths that are a string', put('linux', 'maskedPaths', '/proc/kcore'), /maskedPaths/],
  ['a relative masked path', put('linux', 'maskedPaths', ['etc/passwd']), /etc\/passwd|maskedPaths/, lax],
  ['a relative read-only path', put('linux', 'readonlyPaths', ['etc/passwd']), /etc\/passwd|readonlyPaths/, lax],
  ['hooks that are a list', top('hooks', []), /hooks/],
  ['a hook without a path', top('hooks', { createRuntime: [{ args: ['x'] }] })],
  ['annotations that are not strings', top('annotations', { key: 1 }), /annotations/],
  ['a host name that is a number', top('hostname', 5), /hostname/],
  ['a host name that is too long', top('hostname', 'h'.repeat(65))],
];

for (const [what, change, message, runc] of values) {
  check(`a config with ${what} is refused`, runc === undefined ? {} : { knownToFail: { runc } }, (box) => {
    assertRefused(box, box.container(change), message);
  });
}

// config.md, Extensibility: "unknown properties … MUST ignore them"
check('unknown properties are ignored', (box) => {
  const container = box.container((config) => ({
    ...config,
    'org.example.extension': { any: ['thing'] },
    process: { ...config.process, frobnicate: true },
    linux: { ...config.linux, frobnicate: 1 },
  }));
  ran(container.run());
});

check('parts for other platforms are ignored', (box) => {
  const container = box.container((config) => ({
    ...config,
    windows: { layerFolders: ['C:\\x'] },
    solaris: { milestone: 'x' },
    vm: { kernel: { path: '/x' } },
    zos: {},
    freebsd: {},
  }));
  ran(container.run());
});

check('blanks around the JSON do no harm', (box) => {
  const container = box.container();
  const text = readFileSync(join(container.bundle, 'config.json'), 'utf8');
  raw(container, `\n\t ${text} \r\n`);
  ran(container.run());
});

// --- the host -------------------------------------------------------------------------------------------------------

check('a state directory that is a file is refused', (box) => {
  const container = box.container();
  const file = join(box.directory, 'not-a-directory');
  writeFileSync(file, 'precious');
  refused(container.create({ global: ['--root', file] }));
  assert.equal(readFileSync(file, 'utf8'), 'precious');
  box.assertNothingLeft();
});

/** create with a state directory that has no space left; `left` in the sandbox lists what it holds afterwards. */
function createOnFullDisk(box: Sandbox) {
  const full = join(box.directory, 'full');
  mkdirSync(full);
  const container = box.container((config) => {
    config.annotations = { large: 'x'.repeat(200_000) };
  });
  const script = [
    `mount -t tmpfs -o size=16k tmpfs ${full}`,
    `dd if=/dev/zero of=${full}/filler bs=1k count=64 2>/dev/null || true`,
    `"$@" && exit 0; status=$?; ls -A ${full} >${box.directory}/left; exit $status`,
  ].join('\n');
  return container.create({ global: ['--root', full], prelude: inMountNamespace(script) });
}

check('a state directory without space is an error, and leaves nothing', (box) => {
  refused(createOnFullDisk(box));
  box.assertNothingLeft();
  assert.equal(readFileSync(join(box.directory, 'left'), 'utf8'), 'filler\n');
});

const fullOptions = { knownToFail: { runc: 'its message lacks the reason (1.1.5)' } };
check('the error of a state directory without space says so', fullOptions, (box) => {
  refused(createOnFullDisk(box), /no space left/i);
});
