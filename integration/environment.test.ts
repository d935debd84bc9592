// Where runt happens to run has no say: neither the working directory nor the bundle is searched for anything but the config.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { check, ok } from '../conformance/harness/index.ts';
import { needsExecutable, needsStrace, straced } from './support.ts';

const TRAPS: Readonly<Record<string, string>> = {
  '.env': 'TRAP=1\nNODE_OPTIONS=--require ./trap.js\n',
  '.env.local': 'TRAP=1\n',
  '.env.production': 'TRAP=1\n',
  'bunfig.toml': 'preload = ["./trap.js"]\n',
  'package.json': '{"name":"trap","type":"commonjs","imports":{"#x":"./trap.js"}}',
  'tsconfig.json': '{"extends":"./trap.json"}',
  'trap.js': 'require("fs").writeFileSync("trapped", "1")',
  '.npmrc': 'prefix=trap\n',
};

check(
  'the executable opens nothing of its working directory but what the bundle is made of',
  { skip: needsExecutable || needsStrace },
  (box) => {
    const container = box.container();
    for (const [name, text] of Object.entries(TRAPS)) writeFileSync(join(container.bundle, name), text);
    mkdirSync(join(container.bundle, 'node_modules/koffi'), { recursive: true });
    writeFileSync(join(container.bundle, 'node_modules/koffi/index.js'), TRAPS['trap.js'] ?? '');
    const trace = straced(
      box,
      'trace=open,openat,openat2,execve,readlink,readlinkat,stat,lstat,newfstatat,statx,access,faccessat,faccessat2',
    );
    ok(container.run({ cwd: container.bundle, prelude: trace.prelude }));
    const names = [...Object.keys(TRAPS), 'node_modules', 'trapped'];
    const touched = trace
      .lines()
      .filter((line) => names.some((name) => line.includes(`/${name}"`) || line.includes(`"${name}`)));
    assert.deepEqual(touched, []);
  },
);

check('variables that engines take options from do not reach the executable', { skip: needsExecutable }, (box) => {
  const container = box.container((config) => {
    config.process.args = ['/bin/echo', 'it ran'];
  });
  const trap = join(box.directory, 'trap.js');
  writeFileSync(trap, `require("fs").writeFileSync(${JSON.stringify(join(box.directory, 'trapped'))}, "1")`);
  const env = {
    ...process.env,
    NODE_OPTIONS: `--require ${trap}`,
    NODE_PATH: box.directory,
    BUN_OPTIONS: `--preload=${trap}`,
    BUN_BE_BUN: '1',
  };
  assert.equal(ok(container.run({ env })).stdout, 'it ran\n');
  assert.throws(() => writeFileSync(join(box.directory, 'trapped'), '', { flag: 'r+' }), { code: 'ENOENT' });
});

check("the caller's environment does not reach the container", (box) => {
  const container = box.container((config) => {
    config.process.args = ['/bin/env'];
    config.process.env = ['ONLY=this'];
  });
  const output = ok(container.run({ env: { ...process.env, SECRET: 'of the caller' } })).stdout;
  // HOME is the container's: of its /etc/passwd.
  assert.match(output.trim().split('\n').sort().join(' '), /^HOME=\/\w* ONLY=this$/);
});

const NOEXEC = '/proc/sys/vm/memfd_noexec';

check(
  'where memory files may not be executed, a container with hooks runs all the same',
  { skip: existsSync(NOEXEC) ? false : 'needs the sysctl vm.memfd_noexec (Linux 6.3)' },
  (box) => {
    // The setting is a pid namespace's: the host's stays.
    const script = `echo 2 > ${NOEXEC} && exec "$@"`;
    const prelude = `exec unshare --pid --fork --mount --mount-proc /bin/sh -c '${script}' sh "$@"`;
    const container = box.container((config) => {
      config.process.args = ['/bin/echo', 'it ran'];
      config.hooks = { createContainer: [{ path: '/bin/true' }] };
    });
    assert.equal(ok(container.run({ prelude })).stdout, 'it ran\n');
  },
);
