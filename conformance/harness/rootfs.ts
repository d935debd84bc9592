// A root file system of one static busybox, hard-linked under the names of its applets: it costs a millisecond a test.

import { accessSync, constants, copyFileSync, linkSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

// Static only: the container has no dynamic loader. Debian and Ubuntu have it in the package busybox-static.
const candidates = [process.env['BUSYBOX'], '/bin/busybox', '/usr/bin/busybox', '/bin/busybox.static'];

const applets =
  'busybox awk basename cat chmod chown cp cut date dd df dirname echo env false find grep head hostname id ionice ip ipcs kill ln ls mkdir mknod mount mv nc printf ps pwd readlink rm rmdir sed seq sh sleep sort stat tail test touch tr true umount uname wc';

/** A program with a PT_INTERP header needs a loader that the container does not have. */
function isStatic(path: string): boolean {
  const elf = readFileSync(path);
  if (elf.length < 64 || elf.readUInt32BE(0) !== 0x7f454c46 || elf[4] !== 2) return false;
  const offset = Number(elf.readBigUInt64LE(32));
  const size = elf.readUInt16LE(54);
  for (let index = 0; index < elf.readUInt16LE(56); index++) {
    if (elf.readUInt32LE(offset + index * size) === 3) return false;
  }
  return true;
}

/** The host's static busybox, or undefined. `BUSYBOX` names another one. */
export function findBusybox(): string | undefined {
  return candidates.find((path) => {
    if (path === undefined) return false;
    try {
      accessSync(path, constants.X_OK);
      return isStatic(path);
    } catch {
      return false;
    }
  });
}

/** Copies busybox once, to be hard-linked from every rootfs under the same directory. */
export function makeBase(directory: string): string {
  const source = findBusybox();
  if (source === undefined) throw new Error('no static busybox on this host');
  const path = join(directory, 'busybox');
  copyFileSync(source, path);
  return path;
}

/** Makes a rootfs at `path`: /bin with the applets, /etc/passwd and /etc/group, and the empty directories an image usually has. */
export function makeRootfs(path: string, busybox: string): void {
  for (const directory of ['bin', 'dev', 'etc', 'proc', 'root', 'sys', 'tmp', 'home/user']) {
    mkdirSync(join(path, directory), { recursive: true });
  }
  for (const applet of applets.split(' ')) linkSync(busybox, join(path, 'bin', applet));
  writeFileSync(join(path, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/home/user:/bin/sh\n');
  writeFileSync(join(path, 'etc/group'), 'root:x:0:\ntty:x:5:\nuser:x:1000:\n');
}

/** Writes an executable or plain file below the rootfs, with its parents. */
export function addFile(rootfs: string, path: string, content: string, mode = 0o644): void {
  const target = join(rootfs, path);
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, content, { mode });
}
