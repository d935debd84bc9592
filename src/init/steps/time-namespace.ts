// A new time namespace whose clocks are set forward or back (time_namespaces(7)).
//
// A process that is cloned into a new one is in it at once, and from then on its offsets are fixed. So where there are offsets, the namespace
// is made for children first (unshare), and /proc/self/timens_offsets is written before anybody is in there:
// - by the launcher; init, its child, is then born in it;
// - in a user namespace that init is born in by init itself, since the time namespace belongs to that one. It enters it by setns(2): also
//   hooks, `exec` and whoever joins the container's namespaces have to find it there before the program is executed.

import { AT_FDCWD, O_CLOEXEC, O_DIRECTORY, O_PATH, O_RDONLY, O_WRONLY } from '../../linux/mount-constants.ts';
import { NAMESPACES } from '../../linux/namespaces.ts';
import type { PlanBuilder } from '../builder.ts';
import type { InitInputs } from '../inputs.ts';
import type { Slot } from '../plan.ts';
import type { LaunchContext } from './context.ts';

const CLOCKS = ['monotonic', 'boottime'] as const;
const POINTER = '/linux/timeOffsets';
const NO_TIME_NAMESPACES = 'EINVAL, ENOENT: this kernel has no time namespaces (CONFIG_TIME_NS)';

/** Whether the namespace is made apart from the others. */
export function hasTimeOffsets({ config, namespaces }: InitInputs): boolean {
  const offsets = config.linux?.timeOffsets ?? undefined;
  if (offsets === undefined) return false;
  return CLOCKS.some((clock) => offsets[clock] !== undefined) && namespaces.created.some(({ type }) => type === 'time');
}

function isMadeByInit({ userNamespace }: InitInputs): boolean {
  return userNamespace?.kind === 'created';
}

/**
 * The launcher, while it sees the host's /proc, and while it may write in its own directory there: opens what the offsets will be written
 * through. Returns the slot with the descriptor; it is closed with all that init does not keep.
 */
export function openTimeOffsets({ plan, inputs }: LaunchContext): Slot | undefined {
  if (!hasTimeOffsets(inputs)) return undefined;
  const file = plan.slot('the offsets of the clocks');
  plan.step({ sentence: 'find the offsets of the clocks', pointer: POINTER, hint: NO_TIME_NAMESPACES }, () => {
    const [path, flags, text] = isMadeByInit(inputs)
      ? (['/proc', O_PATH | O_DIRECTORY, 'O_PATH|O_DIRECTORY'] as const)
      : (['/proc/self/timens_offsets', O_WRONLY, 'O_WRONLY'] as const);
    plan.call('openat', [plan.value(AT_FDCWD, 'AT_FDCWD'), path, plan.value(flags | O_CLOEXEC, `${text}|O_CLOEXEC`)], {
      result: file,
    });
  });
  return file;
}

/** The launcher, in the user namespace that init will be in. */
export function makeTimeNamespaceForInit({ plan, inputs }: LaunchContext, file: Slot | undefined): void {
  if (file === undefined || isMadeByInit(inputs)) return;
  unshareTime(plan, inputs);
  writeOffsets(plan, inputs, file);
}

/** Init, in its new user namespace, while it still is the user that its directory in /proc belongs to. */
export function enterTimeNamespace({ plan, inputs }: LaunchContext, proc: Slot | undefined): void {
  if (proc === undefined || !isMadeByInit(inputs)) return;
  const { flag, constant } = NAMESPACES.time;
  unshareTime(plan, inputs);
  plan.withSlot((file) => {
    const open = (path: string, flags: number, text: string): void =>
      plan.call('openat', [plan.slotRef(proc), path, plan.value(flags | O_CLOEXEC, `${text}|O_CLOEXEC`)], {
        result: file,
      });
    plan.step({ sentence: 'find the offsets of the clocks', pointer: POINTER }, () =>
      open('self/timens_offsets', O_WRONLY, 'O_WRONLY'),
    );
    writeOffsets(plan, inputs, file);
    plan.step({ sentence: 'enter the time namespace', pointer: pointerOf(inputs) }, () => {
      open('self/ns/time_for_children', O_RDONLY, 'O_RDONLY');
      plan.call('setns', [plan.slotRef(file), plan.value(flag, constant)]);
    });
  });
}

function unshareTime(plan: PlanBuilder, inputs: InitInputs): void {
  const { flag, constant } = NAMESPACES.time;
  const step = { sentence: 'make the time namespace', pointer: pointerOf(inputs), hint: NO_TIME_NAMESPACES };
  plan.step(step, () => plan.call('unshare', [plan.value(flag, constant)]));
}

function pointerOf({ namespaces }: InitInputs): string {
  return namespaces.created.find(({ type }) => type === 'time')?.pointer ?? '/linux/namespaces';
}

/** A write for each clock: so the one that the kernel refuses is known. */
function writeOffsets(plan: PlanBuilder, { config, exactInteger }: InitInputs, file: Slot): void {
  for (const clock of CLOCKS) {
    const offset = config.linux?.timeOffsets?.[clock];
    if (offset === undefined) continue;
    const at = `${POINTER}/${clock}`;
    const text = `${clock} ${exactInteger(`${at}/secs`) ?? BigInt(offset.secs ?? 0)} ${offset.nanosecs ?? 0}\n`;
    const step = {
      sentence: `set the offset of the clock: ${text.trimEnd()}`,
      pointer: at,
      hint: "ERANGE: the container's clock would be below zero, or beyond 146 years",
    };
    // The file's position stays at its start, where the kernel wants every write (fs/proc/base.c, timens_offsets_write).
    plan.step(step, () => plan.call('write', [plan.slotRef(file), text, Buffer.byteLength(text)]));
  }
}
