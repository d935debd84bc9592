// Executables and messages in memory: memfd_create(2).

import { fail } from '../error.ts';
import { O_CLOEXEC, O_RDWR } from './mount-constants.ts';
import { mustSyscall, syscall } from './syscall.ts';

const MFD_CLOEXEC = 1;
const MFD_ALLOW_SEALING = 2;
const MFD_EXEC = 0x10;
const F_ADD_SEALS = 1033;
const F_GET_SEALS = 1034;
const F_SEAL_SEAL = 1;
const F_SEAL_SHRINK = 2;
const F_SEAL_GROW = 4;
const F_SEAL_WRITE = 8;
const F_SEAL_EXEC = 0x20;
const EINVAL = 22;
const EACCES = 13;
const O_TMPFILE = (process.arch === 'arm64' ? 0o40000 : 0o200000) | 0o20000000;

/** Writes all of `bytes` to the descriptor. Throws RuntError 'system'. */
export function writeAll(fd: number, bytes: Uint8Array, message: string): void {
  let done = 0;
  while (done < bytes.length) {
    done += mustSyscall({ message }, 'write', fd, bytes.subarray(done), bytes.length - done);
  }
}

/**
 * A sealed, executable file without a name that holds `bytes`: what CVE-2019-5736 wrote to (the runtime's executable, through
 * /proc/PID/exe) can be neither written nor grown here, by anybody.
 * Where memfds may not be executed (sysctl vm.memfd_noexec=2) an unnamed file in `directory` serves; it is only open for reading when executed.
 * Returns a close-on-exec descriptor.
 */
export function executableInMemory(name: string, bytes: Uint8Array, directory: string): number {
  let seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_EXEC;
  let fd = syscall('memfd_create', name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
  if (fd === -EINVAL) {
    // Linux before 6.3 knows neither MFD_EXEC nor F_SEAL_EXEC.
    fd = syscall('memfd_create', name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    seals &= ~F_SEAL_EXEC;
  }
  if (fd === -EACCES) return executableFile(bytes, directory);
  if (fd < 0)
    fail({
      code: 'system',
      message: 'make the memory file that init is executed from',
      syscall: 'memfd_create',
      errno: -fd,
    });
  writeAll(fd, bytes, 'write init into its memory file');
  mustSyscall({ message: "seal init's memory file" }, 'fcntl', fd, F_ADD_SEALS, seals);
  const present = syscall('fcntl', fd, F_GET_SEALS);
  // Sealing an executable's mode seals it against writes through older mappings too (F_SEAL_FUTURE_WRITE).
  if (present < 0 || (present & seals) !== seals) {
    fail({ code: 'system', message: `init's memory file has the seals ${present}, not ${seals}: not executed` });
  }
  return fd;
}

function executableFile(bytes: Uint8Array, directory: string): number {
  const doing = {
    message: `make an executable file without a name in "${directory}"`,
    hint: 'this host forbids executing memory files (sysctl vm.memfd_noexec=2); the state directory must be on a file system mounted without noexec',
  };
  const fd = mustSyscall(doing, 'openat', -100, directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0o500);
  writeAll(fd, bytes, 'write init into its file');
  const readOnly = mustSyscall(doing, 'openat', -100, `/proc/self/fd/${fd}`, O_CLOEXEC, 0);
  // The last writable descriptor goes: the file can't be executed before (ETXTBSY), nor written after.
  syscall('close', fd);
  return readOnly;
}

/** A memory file for a message that others read from its start. Close-on-exec. */
export function memoryFile(name: string): number {
  return mustSyscall({ message: `make the memory file "${name}"` }, 'memfd_create', name, MFD_CLOEXEC);
}
