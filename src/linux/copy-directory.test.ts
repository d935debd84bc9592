import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  constants,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { copyDirectory, MAX_COPY_DEPTH } from './copy-directory.ts';
import { encodeDevice } from './device-number.ts';
import { syscall } from './syscall.ts';

interface Pair {
  readonly from: string;
  readonly to: string;
  /** Copies; bytes that were counted. Throws "path: call errno". */
  copy(mayMakeDevices?: boolean): number;
}

function pair(t: TestContext): Pair {
  const directory = mkdtempSync(join(tmpdir(), 'runt-copy-'));
  const [from, to] = [join(directory, 'from'), join(directory, 'to')];
  for (const path of [from, to]) mkdirSync(path);
  t.after(() => rmSync(directory, { recursive: true }));
  const copy = (mayMakeDevices = true): number => {
    let counted = 0;
    const open = (path: string) => openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
    const fds = [open(from), open(to)] as const;
    try {
      copyDirectory({
        from: fds[0],
        to: fds[1],
        mayMakeDevices,
        count: (bytes) => {
          counted += bytes;
        },
        failed: (path, call, errno) => {
          throw new Error(`${path}: ${call} ${errno}`);
        },
        tooDeep: (path) => {
          throw new Error(`too deep: ${path.length}`);
        },
      });
    } finally {
      for (const fd of fds) closeSync(fd);
    }
    return counted;
  };
  return { from, to, copy };
}

const openDescriptors = (): number => readdirSync('/proc/self/fd').length;

test('files, directories, links and FIFOs are copied with modes and times', (t) => {
  const { from, to, copy } = pair(t);
  mkdirSync(join(from, 'a/b'), { recursive: true });
  writeFileSync(join(from, 'a/b/file'), 'contents');
  chmodSync(join(from, 'a/b/file'), 0o4750);
  symlinkSync('/nowhere', join(from, 'a/link'));
  spawnSync('mkfifo', ['-m', '640', join(from, 'a/fifo')]);
  utimesSync(join(from, 'a/b/file'), 10.5, 20.25);
  chmodSync(join(from, 'a'), 0o1777);
  utimesSync(join(from, 'a'), 30, 40);
  const before = openDescriptors();
  assert.equal(copy(), 8);
  assert.equal(openDescriptors(), before);
  assert.equal(readFileSync(join(to, 'a/b/file'), 'utf8'), 'contents');
  assert.equal(statSync(join(to, 'a/b/file')).mode, 0o104750);
  assert.equal(statSync(join(to, 'a/b/file')).mtimeMs, 20_250);
  assert.equal(readlinkSync(join(to, 'a/link')), '/nowhere');
  assert.ok(statSync(join(to, 'a/fifo')).isFIFO());
  assert.equal(statSync(join(to, 'a')).mode, 0o041777);
  assert.equal(statSync(join(to, 'a')).mtimeMs, 40_000);
});

test('a directory of more names than fit into one answer is copied whole', (t) => {
  const { from, to, copy } = pair(t);
  for (let index = 0; index < 3000; index++) writeFileSync(join(from, `a-rather-long-name-${index}`), '');
  copy();
  assert.equal(readdirSync(to).length, 3000);
});

test('a failure says for which path and leaves no descriptor open', (t) => {
  const { from, to, copy } = pair(t);
  mkdirSync(join(from, 'a/b'), { recursive: true });
  mkdirSync(join(to, 'a'));
  const before = openDescriptors();
  assert.throws(copy, /^Error: a: mkdirat 17$/);
  assert.equal(openDescriptors(), before);
});

test('directories that are too deep are an error', (t) => {
  const { from, copy } = pair(t);
  mkdirSync(join(from, 'd/'.repeat(MAX_COPY_DEPTH + 1)), { recursive: true });
  assert.throws(copy, /too deep/);
});

test('extended attributes go along', (t) => {
  const { from, to, copy } = pair(t);
  writeFileSync(join(from, 'file'), '');
  const source = openSync(join(from, 'file'), constants.O_RDONLY);
  const set = syscall('fsetxattr', source, 'user.key', Buffer.from('value'), 5, 0);
  closeSync(source);
  if (set < 0) return t.skip('needs a file system that takes them');
  copy();
  const target = openSync(join(to, 'file'), constants.O_RDONLY);
  const value = Buffer.alloc(100);
  const length = syscall('fgetxattr', target, 'user.key', value, value.length);
  closeSync(target);
  assert.equal(value.toString('utf8', 0, length), 'value');
});

test('devices are made only where they may be', { skip: process.geteuid?.() === 0 ? false : 'needs root' }, (t) => {
  const { from, to, copy } = pair(t);
  spawnSync('mknod', [join(from, 'device'), 'c', '259', '70000']);
  assert.throws(() => copy(false), /^Error: device: mknodat 1$/);
  copy();
  assert.equal(statSync(join(to, 'device')).rdev, statSync(join(from, 'device')).rdev);
});

test('a device number is as the kernel has it', () => {
  assert.equal(encodeDevice(1, 3), 0x103);
  assert.equal(encodeDevice(4095, 0xfffff), 0xffffffff);
  assert.equal(encodeDevice(259, 70_000), (70_000 & 0xff) | (259 << 8) | ((70_000 & ~0xff) << 12));
});
