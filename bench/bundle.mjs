// The bundle that is measured: a root file system with one program, and the config that `runc spec` means, without a terminal.

import { chmodSync, mkdirSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** CGROUP2_SUPER_MAGIC of <linux/magic.h>. */
const CGROUP2 = 0x63677270;

/** Two programs as machine code, one that ends and one that waits for a signal, and the ELF number of the machine. */
const MACHINES = {
  x64: {
    elf: 0x3e,
    // xor edi, edi; mov eax, 231; syscall
    true: [0x31, 0xff, 0xb8, 0xe7, 0x00, 0x00, 0x00, 0x0f, 0x05],
    // mov eax, 34 (pause); syscall; jmp to the start
    pause: [0xb8, 0x22, 0x00, 0x00, 0x00, 0x0f, 0x05, 0xeb, 0xf7],
  },
  arm64: {
    elf: 0xb7,
    // mov x0, #0; mov x8, #94; svc #0
    true: [0x00, 0x00, 0x80, 0xd2, 0xc8, 0x0b, 0x80, 0xd2, 0x01, 0x00, 0x00, 0xd4],
    // mov x0..x3, #0; mov x8, #73 (ppoll); svc #0; b to the start
    pause: [
      0x00, 0x00, 0x80, 0xd2, 0x01, 0x00, 0x80, 0xd2, 0x02, 0x00, 0x80, 0xd2, 0x03, 0x00, 0x80, 0xd2, 0x28, 0x09, 0x80,
      0xd2, 0x01, 0x00, 0x00, 0xd4, 0xfa, 0xff, 0xff, 0x17,
    ],
  },
};

/**
 * The smallest program that succeeds: no libc, no dynamic linker, one page. So what is timed is the runtime, and nothing has to be
 * installed. One ELF header, one program header (elf(5)), then the code.
 */
export function staticTrue(architecture = process.arch) {
  return staticProgram('true', architecture);
}

function staticProgram(name, architecture) {
  const machine = MACHINES[architecture];
  if (machine === undefined) throw new Error(`no machine code for ${architecture}`);
  const headers = 64 + 56;
  const size = headers + machine[name].length;
  const address = 0x400000n;
  const image = Buffer.alloc(size);
  image.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]); // 64 bits, little endian, version 1
  image.writeUInt16LE(2, 16); // ET_EXEC
  image.writeUInt16LE(machine.elf, 18);
  image.writeUInt32LE(1, 20);
  image.writeBigUInt64LE(address + BigInt(headers), 24); // e_entry
  image.writeBigUInt64LE(64n, 32); // e_phoff
  image.writeUInt16LE(64, 52);
  image.writeUInt16LE(56, 54);
  image.writeUInt16LE(1, 56);
  image.writeUInt32LE(1, 64); // PT_LOAD
  image.writeUInt32LE(5, 68); // readable, executable
  image.writeBigUInt64LE(address, 80);
  image.writeBigUInt64LE(address, 88);
  image.writeBigUInt64LE(BigInt(size), 96);
  image.writeBigUInt64LE(BigInt(size), 104);
  image.writeBigUInt64LE(0x10000n, 112); // arm64 may have pages of 64 KiB
  image.set(machine[name], headers);
  return image;
}

/** What `runc spec` writes, said again: the same seven mounts, namespaces, masked and read-only paths, for every runtime. */
function config(cgroupsPath, program) {
  const quiet = ['nosuid', 'noexec', 'nodev'];
  const capabilities = ['CAP_AUDIT_WRITE', 'CAP_KILL', 'CAP_NET_BIND_SERVICE'];
  const unified = statfsSync('/sys/fs/cgroup').type === CGROUP2;
  return {
    ociVersion: '1.0.2', // low enough for every runtime
    process: {
      terminal: false,
      user: { uid: 0, gid: 0 },
      args: [program],
      env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'TERM=xterm'],
      cwd: '/',
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
      rlimits: [{ type: 'RLIMIT_NOFILE', hard: 1024, soft: 1024 }],
      noNewPrivileges: true,
    },
    root: { path: 'rootfs', readonly: true },
    hostname: 'bench',
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      {
        destination: '/dev',
        type: 'tmpfs',
        source: 'tmpfs',
        options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
      },
      {
        destination: '/dev/pts',
        type: 'devpts',
        source: 'devpts',
        options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
      },
      { destination: '/dev/shm', type: 'tmpfs', source: 'shm', options: [...quiet, 'mode=1777', 'size=65536k'] },
      { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: quiet },
      { destination: '/sys', type: 'sysfs', source: 'sysfs', options: [...quiet, 'ro'] },
      { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: [...quiet, 'relatime', 'ro'] },
    ],
    linux: {
      ...(cgroupsPath === undefined ? {} : { cgroupsPath }),
      resources: { devices: [{ allow: false, access: 'rwm' }] },
      namespaces: ['pid', 'network', 'ipc', 'uts', 'mount', ...(unified ? ['cgroup'] : [])].map((type) => ({ type })),
      maskedPaths: [
        '/proc/acpi',
        '/proc/asound',
        '/proc/kcore',
        '/proc/keys',
        '/proc/latency_stats',
        '/proc/timer_list',
        '/proc/timer_stats',
        '/proc/sched_debug',
        '/sys/firmware',
        '/proc/scsi',
      ],
      readonlyPaths: ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'],
    },
  };
}

/** Makes the bundle in a directory that does not exist yet, and returns the directory. `cgroupsPath` only where a row needs it. `program`: `/true` or `/pause`. */
export function makeBundle(directory, cgroupsPath, program = '/true') {
  const rootfs = join(directory, 'rootfs');
  mkdirSync(rootfs, { recursive: true });
  for (const name of ['true', 'pause']) {
    writeFileSync(join(rootfs, name), staticProgram(name, process.arch));
    chmodSync(join(rootfs, name), 0o755);
  }
  writeFileSync(join(directory, 'config.json'), JSON.stringify(config(cgroupsPath, program), null, 2));
  return directory;
}
