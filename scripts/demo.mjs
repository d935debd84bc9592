// The container of `npm run demo`: the config that `runt spec` writes, changed so that the root is an almost empty directory with the
// machine's own programs in it, read-only. Everything the container writes is thrown away with that directory.

import { spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const HOME = fileURLToPath(new URL('..', import.meta.url));
const RUNT = process.env.RUNT ?? join(HOME, 'dist/runt');

/** Files that programs look for before anything works: the dynamic linker's cache, names of users, Debian's alternatives. */
const ETC = [
  'alternatives',
  'group',
  'ld.so.cache',
  'ld.so.conf',
  'ld.so.conf.d',
  'nsswitch.conf',
  'os-release',
  'passwd',
];
/** In a host whose /usr is merged these are links into it; elsewhere they are directories. */
const BESIDE_USR = ['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32'];

const shown = process.stdout.isTTY && process.env.TERM !== 'dumb' && process.env.NO_COLOR === undefined;
const bold = (text) => (shown ? `\x1b[1m${text}\x1b[0m` : text);

/** The type of what a path names, without following it; undefined where there is nothing. */
const typeOf = (path) => lstatSync(path, { throwIfNoEntry: false });

const readOnly = (path) => ({
  destination: path,
  type: 'bind',
  source: realpathSync(path),
  options: ['bind', 'ro', 'nosuid', 'nodev'],
});

const scratchSpace = (destination, mode) => ({
  destination,
  type: 'tmpfs',
  source: 'tmpfs',
  options: ['nosuid', 'nodev', `mode=${mode}`, 'size=64m'],
});

/** Fills the root, and returns the mounts it needs. */
function makeRoot(rootfs) {
  for (const directory of ['usr', 'etc', 'root', 'tmp', 'run', 'var/tmp', 'proc', 'sys', 'dev'])
    mkdirSync(join(rootfs, directory), { recursive: true });
  const mounts = [readOnly('/usr')];
  for (const name of BESIDE_USR) {
    const type = typeOf(`/${name}`);
    if (type?.isSymbolicLink()) symlinkSync(relative('/', join('/', readlinkSync(`/${name}`))), join(rootfs, name));
    else if (type?.isDirectory()) mounts.push(readOnly(`/${name}`));
  }
  for (const name of ETC) if (existsSync(`/etc/${name}`)) mounts.push(readOnly(`/etc/${name}`));
  mounts.push(scratchSpace('/tmp', 1777), scratchSpace('/run', 755), scratchSpace('/var/tmp', 1777));
  return mounts;
}

function makeBundle(bundle, args) {
  const rootfs = join(bundle, 'rootfs');
  mkdirSync(rootfs, { recursive: true });
  const spec = spawnSync(RUNT, ['spec', '--bundle', bundle], { stdio: ['ignore', 'inherit', 'inherit'] });
  if (spec.status !== 0)
    throw new Error(`${RUNT} spec failed${spec.error === undefined ? '' : `: ${spec.error.message}`}`);
  const file = join(bundle, 'config.json');
  const config = JSON.parse(readFileSync(file, 'utf8'));
  Object.assign(config.process, { terminal: false, args });
  config.process.env = [
    'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    'HOME=/root',
    `TERM=${process.env.TERM ?? 'dumb'}`,
    `OUTSIDE_HOSTNAME=${hostname()}`,
  ];
  // Raising these takes them to be inheritable as well; some versions of runc write them nevertheless.
  delete config.process.capabilities.ambient;
  config.root = { path: 'rootfs', readonly: false };
  config.hostname = 'runt-demo';
  config.mounts.push(...makeRoot(rootfs));
  writeFileSync(file, `${JSON.stringify(config, null, 2)}\n`);
}

/** Exit status and milliseconds, from before the runtime starts to after the container is deleted. */
async function run(bundle, state) {
  const id = `demo-${process.pid}`;
  const before = process.hrtime.bigint();
  const child = spawn(RUNT, ['--root', state, 'run', '--bundle', bundle, id], { stdio: 'inherit' });
  // A terminal sends SIGINT to the container, too: it is its business. Whoever ends the demo ends the container.
  process.on('SIGINT', () => {});
  for (const signal of ['SIGTERM', 'SIGHUP'])
    process.on(signal, () => spawnSync(RUNT, ['--root', state, 'delete', '--force', id], { stdio: 'ignore' }));
  const status = await new Promise((done, failed) => {
    child.on('error', failed);
    child.on('exit', (code) => done(code ?? 1));
  });
  return { status, milliseconds: Number(process.hrtime.bigint() - before) / 1e6 };
}

async function main(command) {
  const directory = mkdtempSync(join(tmpdir(), 'runt-demo-'));
  try {
    const bundle = join(directory, 'bundle');
    const inside = readFileSync(new URL('demo-inside.sh', import.meta.url), 'utf8');
    makeBundle(bundle, command.length > 0 ? command : ['/bin/sh', '-c', inside]);
    if (command.length > 0) return (await run(bundle, join(directory, 'state'))).status;

    console.log(bold("A container with this machine's own programs, read-only, in a root that is thrown away sees:"));
    const { status, milliseconds } = await run(bundle, join(directory, 'state'));
    if (status !== 0) return status;
    console.log(bold(`\nThe container was made, ran and was deleted in ${milliseconds.toFixed(0)} ms.`));
    console.log(`${bold('Next:')} npm run demo -- sh            a shell in such a container
      mkdir /tmp/b; dist/runt spec -b /tmp/b
      dist/runt plan -b /tmp/b       the system calls it is compiled into, and why
      sed -i 's/"pid"/"pidd"/; s/"cwd": "/&./' /tmp/b/config.json
      dist/runt validate -b /tmp/b   what is wrong now, and where`);
    return 0;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
