// The first process of the container: whether it lives, whether it still waits for the order to start, and whether it may be frozen.

import type { Label, Slot } from '../init/plan.ts';
import { AT_FDCWD, O_CLOEXEC, O_DIRECTORY, O_PATH, O_RDONLY } from '../linux/mount-constants.ts';
import { STATX, STATX_MASK } from '../linux/statx.ts';
import { type Container, loadPlace } from './container.ts';
import { PROC_PATH_SIZE, writeProcPath } from './proc-path.ts';
import { OFFSET } from './record.ts';
import { expectStartTime } from './start-time.ts';
import { type Front, ref } from './words.ts';

/** Letters of proc_pid_stat(5): it has ended, or stands still in the kernel, as what v1 has frozen does. */
const NOT_LIVELY = ['Z', 'X', 'D'];

/**
 * Opens it as `pidfd`, so that no other process is meant that may get its pid. Goes to the engine where it has ended or stands still.
 * The time of its start is looked at last: if the pid still is init's, it was so all the time.
 */
export function holdInit(front: Front, { record }: Container, pidfd: Slot): void {
  const { plan, engine } = front;
  const stat = plan.variable(PROC_PATH_SIZE, '"/proc/PID/stat"');
  plan.withSlot((pid) => {
    plan.load(pid, plan.addressOf(record, OFFSET.pid));
    plan.call('pidfd_open', [ref(front, pid), 0], { result: pidfd });
    writeProcPath(front, stat, pid, '/stat');
  });
  expectStartTime(front, stat, plan.addressOf(record, OFFSET.startTime), (state) => {
    for (const letter of NOT_LIVELY) plan.branch(state, 'equal', letter.charCodeAt(0), engine);
  });
}

/** Goes to `otherwise` unless the process with init's pid executes init's image, which nobody else does: it waits for the order. */
export function expectWaiting(front: Front, { record }: Container, otherwise: Label): void {
  const { plan } = front;
  const found = plan.variable(STATX.sizeOf, '{statx}');
  const executed = plan.addressOf(record, OFFSET.exe);
  plan.call('statx', [AT_FDCWD, executed, 0, plan.value(STATX_MASK.inode, 'STATX_INO'), found]);
  for (const [of, expected] of [
    [STATX.inode, OFFSET.inode],
    [STATX.fileSystem, OFFSET.device],
  ] as const) {
    const [one, other] = [plan.slot(), plan.slot()];
    plan.load(one, plan.addressOf(found, of));
    plan.load(other, plan.addressOf(record, expected));
    plan.branch(one, 'notEqual', ref(front, other), otherwise);
    plan.free(one);
    plan.free(other);
  }
}

/** Opens the cgroup that freezes the container as `directory`, and tells its version; goes to `none` where there is none. */
export function openFreezer(front: Front, container: Container, directory: Slot, version: Slot, none: Label): void {
  const { plan } = front;
  const { record } = container;
  plan.withSlot((path) => {
    plan.load(path, plan.addressOf(record, OFFSET.freezer));
    plan.branch(path, 'equal', 0, none);
    loadPlace(front, container, OFFSET.freezer, path);
    plan.call('openat', [AT_FDCWD, ref(front, path), O_PATH | O_DIRECTORY | O_CLOEXEC], { result: directory });
  });
  plan.load(version, plan.addressOf(record, OFFSET.freezerVersion));
}

/** What the first byte of its file says of a cgroup that is not frozen (cgroup/freezer.ts). */
export const THAWED = { 1: { file: 'freezer.state', first: 'T' }, 2: { file: 'cgroup.freeze', first: '0' } } as const;

/** Goes to the engine unless the cgroup is thawed. */
export function expectThawed(front: Front, directory: Slot, version: 1 | 2): void {
  const { plan, engine } = front;
  const { file, first } = THAWED[version];
  const byte = plan.variable(8, '{byte}');
  plan.withSlot((fd) => {
    plan.call('openat', [ref(front, directory), file, O_RDONLY | O_CLOEXEC], { result: fd });
    plan.call('read', [ref(front, fd), byte, 1]);
    plan.call('close', [ref(front, fd)]);
    plan.load(fd, byte, 1);
    plan.branch(fd, 'notEqual', first.charCodeAt(0), engine);
  });
}
