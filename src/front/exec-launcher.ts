// The child of the front that becomes the launcher of an exec: its descriptors get the numbers that the image expects.

import type { Argument } from '../init/builder.ts';
import type { Label, Slot } from '../init/plan.ts';
import { branchUnlessType, DEVICE_TYPES } from '../init/steps/device-type.ts';
import { AT_EMPTY_PATH, AT_FDCWD, O_CLOEXEC, O_RDWR } from '../linux/mount-constants.ts';
import { STATX, STATX_MASK } from '../linux/statx.ts';
import type { Prepared } from './exec-checks.ts';
import { CHANNEL, ENTRY, OFFSET, PIDFD } from './exec-record.ts';
import { type CommandLine, type Front, ref, set } from './words.ts';

const NULL_DEVICE = { major: 1, minor: 3 } as const;

/** What fails here the parent is told by the end of the connection. */
export function becomeLauncher(front: Front, { program }: CommandLine, prepared: Prepared, theirs: Slot): void {
  const { plan } = front;
  const failed = plan.label();
  openEntries(front, prepared, failed);
  give(front, theirs, CHANNEL, failed);
  give(front, prepared.pidfd, PIDFD, failed);
  replaceNull(front, failed);
  const environment = plan.constant(new Uint8Array(8), '[]');
  plan.call('execveat', [ref(front, prepared.memory), '', ref(front, program), environment, AT_EMPTY_PATH], {
    ignoreErrors: true,
  });
  plan.place(failed);
  plan.call('exit_group', [1]);
}

export function give(front: Front, fd: Slot, number: Argument, failed: Label): void {
  const { plan } = front;
  plan.withSlot((result) => {
    plan.call('dup3', [ref(front, fd), number, 0], { result, ignoreErrors: true });
    plan.branch(result, 'less', 0, failed);
  });
}

function openEntries(front: Front, { record }: Prepared, failed: Label): void {
  const { plan } = front;
  const [entry, size, value, number] = [plan.slot(), plan.slot(), plan.slot(), plan.slot()];
  const [again, next, done] = [plan.label(), plan.label(), plan.label()];
  set(front, entry, plan.addressOf(record, OFFSET.entries));
  plan.place(again);
  plan.load(size, plan.at(entry, ENTRY.size));
  plan.branch(size, 'equal', 0, done);
  plan.load(number, plan.at(entry, ENTRY.number));
  plan.branch(number, 'equal', 0, next);
  plan.withSlot((path) => {
    set(front, path, ref(front, entry));
    plan.add(path, ENTRY.path);
    plan.load(value, plan.at(entry, ENTRY.flags));
    plan.call('openat', [AT_FDCWD, ref(front, path), ref(front, value)], { result: value, ignoreErrors: true });
  });
  plan.branch(value, 'less', 0, failed);
  give(front, value, ref(front, number), failed);
  plan.call('close', [ref(front, value)], { ignoreErrors: true });
  plan.place(next);
  plan.add(entry, ref(front, size));
  plan.jump(again);
  plan.place(done);
  for (const slot of [entry, size, value, number]) plan.free(slot);
}

/** As container/streams.ts: a /dev/null that is open for one direction only becomes one for both. */
export function replaceNull(front: Front, failed: Label): void {
  const { plan } = front;
  const found = plan.variable(STATX.sizeOf, '{statx}');
  const value = plan.slot();
  for (const stream of [0, 1, 2]) {
    const other = plan.label();
    const mask = plan.value(STATX_MASK.basic, 'STATX_BASIC_STATS');
    plan.call('statx', [stream, '', AT_EMPTY_PATH, mask, found], { result: value, ignoreErrors: true });
    plan.branch(value, 'less', 0, failed);
    branchUnlessType(plan, found, value, DEVICE_TYPES.c, other);
    plan.load(value, plan.addressOf(found, STATX.major), 4);
    plan.branch(value, 'notEqual', NULL_DEVICE.major, other);
    plan.load(value, plan.addressOf(found, STATX.minor), 4);
    plan.branch(value, 'notEqual', NULL_DEVICE.minor, other);
    plan.call('openat', [AT_FDCWD, '/dev/null', O_RDWR | O_CLOEXEC], { result: value, ignoreErrors: true });
    plan.branch(value, 'less', 0, failed);
    give(front, value, stream, failed);
    plan.call('close', [ref(front, value)], { ignoreErrors: true });
    plan.place(other);
  }
  plan.free(value);
}
