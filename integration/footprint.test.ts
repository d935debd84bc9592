// What a created container costs and holds: its init is an image of a few kilobytes, and nothing of the runtime stays.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { check, ok } from '../conformance/harness/index.ts';
import { lasting } from './support.ts';

const KIB = 1024;

function descriptors(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`).map((fd) => `${fd} ${readlinkSync(`/proc/${pid}/fd/${fd}`)}`);
}

check("a created container's init has at most 64 KiB of memory of its own", (box) => {
  const container = lasting(box);
  ok(container.create());
  const smaps = readFileSync(`/proc/${container.pid()}/smaps_rollup`, 'utf8');
  const kib = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(smaps)?.[1]);
  const own = kib('Private_Clean') + kib('Private_Dirty');
  assert.ok(own > 0 && own <= 64, `${own} KiB`);
});

check('the image of init has at most 32 KiB', (box) => {
  const container = lasting(box);
  ok(container.create());
  const { size } = statSync(`/proc/${container.pid()}/exe`);
  assert.ok(size > KIB && size <= 32 * KIB, `${size} bytes`);
});

check('a created container holds its standard streams and the two FIFOs of start, and no other descriptor', (box) => {
  const container = lasting(box);
  ok(container.create());
  const others = descriptors(container.pid()).filter((line) => !/^[012] /.test(line));
  assert.deepEqual(others.map((line) => line.replace(/^\d+ .*\//, '')).sort(), ['start', 'started'], others.join('\n'));
});

check("a running container holds its standard streams only, and is the caller's no more", (box) => {
  const container = lasting(box);
  ok(container.create());
  ok(container.start());
  assert.deepEqual(
    descriptors(container.pid()).filter((line) => !/^[012] /.test(line)),
    [],
  );
});

check('init has no environment, and no process of the runtime stays after create', (box) => {
  const container = lasting(box);
  ok(container.create({ env: { ...process.env, RUNT_SECRET: 'of the caller' } }));
  const pid = container.pid();
  assert.equal(readFileSync(`/proc/${pid}/environ`, 'latin1'), '');
  assert.equal(readFileSync(`/proc/${pid}/comm`, 'latin1'), 'runt:init\n');
  const relatives = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== pid)
    .filter((name) => {
      try {
        return readFileSync(`/proc/${name}/cmdline`, 'latin1').includes(container.id);
      } catch {
        return false;
      }
    });
  assert.deepEqual(relatives, []);
});

const python = spawnSync('python3', ['--version'], { stdio: 'ignore' }).status === 0;
check(
  "init's image is sealed: nobody can write to it (CVE-2019-5736)",
  { skip: python ? false : 'needs python3' },
  (box) => {
    const container = lasting(box);
    ok(container.create());
    const path = `/proc/${container.pid()}/exe`;
    // F_GET_SEALS; F_SEAL_SEAL, _SHRINK, _GROW and _WRITE are the lowest four bits (fcntl(2)).
    const script = `import fcntl,os
fd=os.open("${path}",os.O_RDONLY)
print(fcntl.fcntl(fd,1034)&15)
try:
  os.open("${path}",os.O_WRONLY); print("opened for writing")
except OSError as error: print(error.errno)`;
    const { stdout, stderr } = spawnSync('python3', ['-c', script], { encoding: 'utf8' });
    assert.match(stdout, /^15\n(26|1|13)\n$/, stdout + stderr);
  },
);
