// What people are told: the exact words for configs with a mistake in them, by `validate` and by `create`.

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { check, type Sandbox } from '../conformance/harness/index.ts';
import { lastLine } from './support.ts';

type Json = Record<string, unknown>;
interface Plain {
  ociVersion?: string;
  hostname?: string;
  process: Json;
  root: Json;
  mounts: Json[];
  hooks?: Json;
  linux: Json & { namespaces: Json[] };
}

/** A line a value, so that each has a line of its own. */
function plain(): Plain {
  return {
    ociVersion: '1.3.0',
    process: { cwd: '/', args: ['/bin/true'], user: { uid: 0, gid: 0 } },
    root: { path: 'rootfs' },
    mounts: [{ destination: '/proc', type: 'proc', source: 'proc' }],
    linux: { namespaces: [{ type: 'mount' }, { type: 'pid' }] },
  };
}

function bundleOf(box: Sandbox, text: string): string {
  const bundle = join(box.directory, 'broken');
  mkdirSync(join(bundle, 'rootfs'), { recursive: true });
  writeFileSync(join(bundle, 'config.json'), text);
  return bundle;
}

/** The message of the last line that a create leaves on standard error. */
function messageOfCreate(box: Sandbox, bundle: string): string {
  const result = box.command(['--log-format', 'json', 'create', '--bundle', bundle, `${box.token}-x`], {});
  assert.equal(result.status, 1, result.stderr);
  const { level, msg } = JSON.parse(lastLine(result.stderr));
  assert.equal(level, 'error');
  return msg.replaceAll(bundle, 'BUNDLE');
}

/** What is changed, and the line of validate; that of create has the path of the bundle before it. */
const INVALID: readonly (readonly [what: string, change: (config: Plain) => void, line: string])[] = [
  ['a missing ociVersion', (config) => delete config.ociVersion, '1:1: error: the property "ociVersion" is missing'],
  [
    'a root without a path',
    (config) => {
      config.root = {};
    },
    '13:11: error: /root: the property "path" is missing',
  ],
  [
    'no program',
    ({ process }) => {
      process['args'] = [];
    },
    '5:13: error: /process/args: there is no program in it; name the program to run: "args": ["sh"]',
  ],
  [
    'a relative cwd',
    ({ process }) => {
      process['cwd'] = 'work';
    },
    '4:12: error: /process/cwd: the working directory is an absolute path; found "work"; the root is "/"',
  ],
  [
    'a misspelt namespace',
    ({ linux }) => linux.namespaces.push({ type: 'networ' }),
    '32:17: error: /linux/namespaces/2/type: expected one of "mount", "pid", "network", "uts", "ipc", "user", "cgroup", "time"; found "networ"; did you mean "network"?',
  ],
  [
    'a namespace that is there twice',
    ({ linux }) => linux.namespaces.push({ type: 'pid' }),
    '32:17: error: /linux/namespaces/2/type: there are two namespaces of type "pid"',
  ],
  [
    'a uid that does not fit',
    ({ process }) => {
      process['user'] = { uid: 4294967296, gid: 0 };
    },
    '9:14: error: /process/user/uid: expected at most 4294967295; found 4294967296',
  ],
  [
    'a misspelt limit',
    ({ process }) => {
      process['rlimits'] = [{ type: 'RLIMIT_NOFIL', soft: 1, hard: 1 }];
    },
    '14:17: error: /process/rlimits/0/type: Linux has no limit "RLIMIT_NOFIL"; did you mean "RLIMIT_NOFILE"?',
  ],
  [
    'a soft limit above the hard one',
    ({ process }) => {
      process['rlimits'] = [{ type: 'RLIMIT_NOFILE', soft: 10, hard: 1 }];
    },
    '15:17: error: /process/rlimits/0/soft: the soft limit 10 is above the hard limit 1',
  ],
  [
    'a relative masked path',
    ({ linux }) => {
      linux['maskedPaths'] = ['proc/kcore'];
    },
    '33:7: error: /linux/maskedPaths/0: the path is absolute in the container; found "proc/kcore"',
  ],
  [
    'a sysctl of the host',
    ({ linux }) => {
      linux['sysctl'] = { 'kernel.core_pattern': 'x' };
    },
    '33:30: error: /linux/sysctl/kernel.core_pattern: "kernel.core_pattern" belongs to the host, not to a namespace',
  ],
  [
    'a host name without a uts namespace',
    (config) => {
      config.hostname = 'box';
    },
    '33:15: error: /hostname: the host\'s hostname would change: there is no uts namespace; add {"type": "uts"} to linux.namespaces',
  ],
  [
    'a hook with a relative path',
    (config) => {
      config.hooks = { createRuntime: [{ path: 'hook' }] };
    },
    '36:17: error: /hooks/createRuntime/0/path: the path of a hook is absolute; found "hook"',
  ],
  [
    'a bind mount without a source',
    ({ mounts }) => mounts.push({ destination: '/a', options: ['bind'] }),
    '22:5: error: /mounts/1: a bind mount needs a source',
  ],
  [
    'mappings without a user namespace',
    ({ linux }) => {
      linux['uidMappings'] = [{ containerID: 0, hostID: 0, size: 1 }];
    },
    '32:20: error: /linux/uidMappings: mappings need a user namespace; add {"type": "user"} to linux.namespaces',
  ],
];

for (const [what, change, line] of INVALID) {
  check(`${what} is told in these words`, (box) => {
    const config = plain();
    change(config);
    const bundle = bundleOf(box, JSON.stringify(config, null, 2));
    const validated = box.command(['validate', '--bundle', bundle], {});
    assert.equal(validated.status, 1);
    assert.equal(validated.stdout, `${join(bundle, 'config.json')}:${line}\n`);
    assert.match(lastLine(validated.stderr), /level=error msg=".*config\.json is not valid: 1 error"$/);
    assert.equal(messageOfCreate(box, bundle), `runt create failed: BUNDLE/config.json:${line}`);
  });
}

/** What only the host can tell: validate has nothing against it. */
const NOT_HERE: readonly (readonly [what: string, change: (config: Plain) => void, message: string])[] = [
  [
    'a root that is not there',
    (config) => {
      config.root = { path: 'nowhere' };
    },
    'find the root file system "BUNDLE/nowhere": open_tree: ENOENT (no such file or directory) [config.json /root/path]',
  ],
  [
    'a source that is not there',
    ({ mounts }) => mounts.push({ destination: '/a', type: 'bind', source: '/nowhere/at/all', options: ['bind'] }),
    'find the mount source "/nowhere/at/all": statx: ENOENT (no such file or directory) [config.json /mounts/1/source]',
  ],
  [
    'a misspelt option of a file system',
    ({ mounts }) => mounts.push({ destination: '/a', type: 'tmpfs', source: 'tmpfs', options: ['ro', 'sizze=3'] }),
    'mount tmpfs on /a (ro,sizze=3): the option "sizze=3": fsconfig: EINVAL (invalid argument) [config.json /mounts/1/options/1]; tmpfs does not know it, or not this value',
  ],
  [
    'a cgroup that could be anywhere',
    ({ linux }) => {
      linux['cgroupsPath'] = '/a/../b';
    },
    'cgroupsPath "/a/../b" contains ".." [config.json /linux/cgroupsPath]',
  ],
];

for (const [what, change, message] of NOT_HERE) {
  check(`${what} is told by create in these words`, (box) => {
    const config = plain();
    change(config);
    const bundle = bundleOf(box, JSON.stringify(config, null, 2));
    const validated = box.command(['validate', '--bundle', bundle], {});
    assert.equal(validated.stdout, `${join(bundle, 'config.json')} is valid\n`);
    assert.equal(messageOfCreate(box, bundle), `runt create failed: ${message}`);
  });
}

check('a text that is not JSON is shown, with a mark at the place', (box) => {
  const bundle = bundleOf(box, '{\n "ociVersion": "1.3.0",\n}\n');
  const line = '3:1: error: not JSON: the name of a property, in double quotes, is expected';
  const { stdout } = box.command(['validate', '--bundle', bundle], {});
  assert.equal(stdout, `${join(bundle, 'config.json')}:${line}\n  }\n  ^\n`);
  assert.equal(messageOfCreate(box, bundle), `runt create failed: BUNDLE/config.json:${line}`);
});

check('a name in another case is a warning, of validate, plan and create', (box) => {
  const { process, ...others } = plain();
  const bundle = bundleOf(box, JSON.stringify({ Process: process, ...others }, null, 2));
  const file = join(bundle, 'config.json');
  const words = '/Process: it is taken for "process", as the specification spells it';
  const validated = box.command(['validate', '--bundle', bundle], {});
  assert.equal(validated.stdout, `${file}:2:3: warning: ${words}\n${file} is valid\n`);
  assert.equal(validated.status, 0);
  for (const command of [
    ['plan', '--bundle', bundle],
    ['create', '--bundle', bundle, box.token],
  ]) {
    const log = join(box.directory, `${command[0]}.log`);
    // The root is empty: create fails for that, later on.
    box.command(['--log', log, '--log-format', 'json', ...command], {});
    const [line = ''] = readFileSync(log, 'utf8').split('\n');
    const { level, msg } = JSON.parse(line) as { level: string; msg: string };
    assert.deepEqual([level, msg], ['warning', `${file}: ${words}`], command[0]);
  }
});
