// How the front and its engine share a foreground `run`. The front executes the engine in a child; that makes the container and hands it over,
// and is gone before the program runs: what waits for the program has 20 KB, not 45 MB. What the front can't end by itself it leaves
// to an engine that it executes in its own place, whose children the container's processes then are.

/**
 * argv[0] of an engine that is to hand the container over, by a message on REPORT_FD. Without a message it does all of `run`, or has
 * failed. */
export const SUPERVISED = 'runt:supervised';
/** argv[0] of an engine that takes over a container which it, or the front, has created. */
export const RESUMED = 'runt:resumed';

/** argv[0] of an engine that is to prepare an exec (exec-record.ts) and says so, by a byte on REPORT_FD, or else nothing, and ends. */
export const PREPARING = 'runt:preparing';

/** argv[0] of an engine that only takes away what another has left, which was to hand a container over and was killed. */
export const ORPHANED = 'runt:orphaned';

/** Beyond what --preserve-fds and $LISTEN_FDS use. */
export const REPORT_FD = 1023;

/** The message: 8 bytes pid of init, 8 bytes offset of the id; the state root and the id, a NUL behind each. At most PIPE_BUF. */
export const REPORT = { pid: 0, id: 8, root: 16, largest: 4096 } as const;

/** The message of an engine that has done nothing yet: the front is to execute it in its own place. */
export const DECLINED = new Uint8Array([0]);
/** The message of an engine that has prepared an exec. */
export const PREPARED = new Uint8Array([1]);

/** In the state directory: the wait status (8 bytes) of an init that the front has reaped, where it could not delete the container. */
export const EXIT_FILE = 'exit';

/**
 * What a person or a service manager may send to `run`, meaning the container (numbers of signal(7), the same on both architectures). Not those
 * that a fault of ours raises.
 */
export const FORWARDED_SIGNALS = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGUSR1: 10,
  SIGUSR2: 12,
  SIGALRM: 14,
  SIGTERM: 15,
  SIGCONT: 18,
  SIGTSTP: 20,
  SIGTTIN: 21,
  SIGTTOU: 22,
  SIGXCPU: 24,
  SIGXFSZ: 25,
  SIGVTALRM: 26,
  SIGWINCH: 28,
  SIGIO: 29,
  SIGPWR: 30,
} as const;

/** undefined: it would be too long. Pure. */
export function encodeReport(pid: number, root: string, id: string): Uint8Array | undefined {
  const idAt = REPORT.root + Buffer.byteLength(root) + 1;
  const size = idAt + Buffer.byteLength(id) + 1;
  if (size > REPORT.largest) return undefined;
  const bytes = Buffer.alloc(size);
  bytes.writeUInt32LE(pid, REPORT.pid);
  bytes.writeUInt32LE(idAt, REPORT.id);
  bytes.write(root, REPORT.root);
  bytes.write(id, idAt);
  return bytes;
}
