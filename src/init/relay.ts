// A relay: a process that copies what one descriptor gives to another, until that ends. It is a plan like any other, so the bytes of a
// terminal don't pass through the engine: the relay waits in the kernel, and weighs some kilobytes.

import { TCSETS } from '../linux/terminal.ts';
import { createPlanBuilder, type PlanBuilder } from './builder.ts';
import type { Descriptor } from './inputs.ts';
import type { DataRef, Label, Plan } from './plan.ts';
import { descriptor, numberBytes } from './steps/context.ts';
import { closeOthers } from './steps/kept-descriptors.ts';

export interface RelayInputs {
  readonly from: Descriptor;
  readonly to: Descriptor;
  /**
   * `from` is a terminal's master: it ends when this descriptor is hung up and all is read. Until then a terminal that nobody has open
   * may be opened again.
   */
  readonly until?: Descriptor;
  /** A terminal, and the attributes that it gets at the end. */
  readonly restore?: { readonly terminal: Descriptor; readonly attributes: Uint8Array };
}

/** Exit statuses. */
export const RELAY = { sourceEnded: 0, failed: 1, destinationEnded: 2 } as const;

const PR_SET_NAME = 15;
const PR_SET_PDEATHSIG = 1;
const SIGKILL = 9;
const SIGTTIN = 21;
const SIG_SETMASK = 2;
const POLLIN = 1;
const POLLOUT = 4;
const REVENTS = 6;
const MFD_CLOEXEC = 1;
/** More than a terminal or a pipe gives at a time. */
const BUFFER_SIZE = 65536;
/** How often a terminal that nobody has open is looked at, in nanoseconds. */
const LOOK_AGAIN = 50_000_000;

export function compileRelay(inputs: RelayInputs): Plan {
  const plan = createPlanBuilder();
  const failure = plan.label();
  begin(plan, inputs);
  const end = { source: plan.label(), destination: plan.label() };
  plan.step({ sentence: `copy from ${inputs.from.text} to ${inputs.to.text}` }, () => copy(plan, inputs, end));
  for (const [label, status] of [
    [end.source, RELAY.sourceEnded],
    [end.destination, RELAY.destinationEnded],
  ] as const) {
    plan.place(label);
    finish(plan, inputs, status);
  }
  plan.place(failure);
  finish(plan, inputs, RELAY.failed);
  return plan.finish(failure);
}

function begin(plan: PlanBuilder, { from, to, until, restore }: RelayInputs): void {
  plan.step({ sentence: 'name the process' }, () => {
    plan.call('prctl', [plan.value(PR_SET_NAME, 'PR_SET_NAME'), 'runt:relay', 0, 0, 0]);
  });
  plan.step({ sentence: 'leave signals to the runtime' }, () => {
    // The last bytes are copied also when all of a service or a terminal is told to end. What reads the caller's terminal
    // stops, as any program of a background job.
    const mask = Buffer.alloc(8, 0xff);
    if (until === undefined) mask.writeBigUInt64LE(0xffffffffffffffffn & ~(1n << BigInt(SIGTTIN - 1)));
    const text = until === undefined ? '~[SIGTTIN]' : '~[]';
    plan.call('rt_sigprocmask', [plan.value(SIG_SETMASK, 'SIG_SETMASK'), plan.constant(mask, text), 0, 8]);
    if (until === undefined) {
      plan.call('prctl', [plan.value(PR_SET_PDEATHSIG, 'PR_SET_PDEATHSIG'), SIGKILL, 0, 0, 0]);
    }
  });
  plan.step({ sentence: 'close what the relay does not need' }, () => {
    const kept = [from, to, until, restore?.terminal].flatMap((of) => (of === undefined ? [] : [of.fd]));
    for (const stream of [0, 1, 2]) {
      if (!kept.includes(stream)) plan.call('close', [stream], { ignoreErrors: true });
    }
    closeOthers(plan, kept);
  });
}

function finish(plan: PlanBuilder, { restore }: RelayInputs, status: number): void {
  plan.step({ sentence: 'end' }, () => {
    if (restore !== undefined) {
      const attributes = plan.constant(restore.attributes, '{termios}');
      const args = [descriptor(plan, restore.terminal), plan.value(TCSETS, 'TCSETS'), attributes];
      plan.call('ioctl', args, { ignoreErrors: true });
    }
    plan.call('exit_group', [status]);
  });
}

function pollDescriptors(plan: PlanBuilder, of: readonly (readonly [Descriptor, number])[]): DataRef {
  const bytes = Buffer.alloc(8 * of.length);
  of.forEach(([{ fd }, events], index) => {
    bytes.writeInt32LE(fd, index * 8);
    bytes.writeInt16LE(events, index * 8 + 4);
  });
  const names = of.map(([{ fd, text }, events]) => `${fd}<${text}> ${events === POLLIN ? 'POLLIN' : 'POLLOUT'}`);
  return plan.variable(bytes, `[${names.join(', ')}]`);
}

/**
 * The machine can't add: what a write has left over is moved to the front of the buffer by way of a memory file, which is written
 * whole and read from an offset.
 */
function copy(plan: PlanBuilder, inputs: RelayInputs, end: Record<'source' | 'destination', Label>): void {
  const { from, to, until } = inputs;
  const [source, destination] = [descriptor(plan, from), descriptor(plan, to)];
  const input = pollDescriptors(
    plan,
    until === undefined
      ? [[from, POLLIN]]
      : [
          [from, POLLIN],
          [until, POLLIN],
        ],
  );
  const output = pollDescriptors(plan, [[to, POLLOUT]]);
  const hangUp = until === undefined ? undefined : pollDescriptors(plan, [[until, POLLIN]]);
  const time = plan.variable(16, '{50 ms}');
  // Last, so that its zeros take no room in the image.
  const buffer = plan.variable(BUFFER_SIZE, '{buffer}');
  const [wait, read, rest, write, blocked] = [plan.label(), plan.label(), plan.label(), plan.label(), plan.label()];
  const ended = hangUp === undefined ? end.source : plan.label();
  const [file, length, written] = [plan.slot(), plan.slot(), plan.slot()];
  plan.call('memfd_create', ['runt:relay', plan.value(MFD_CLOEXEC, 'MFD_CLOEXEC')], { result: file });
  if (until === undefined) plan.jump(read);

  plan.place(wait);
  plan.call('ppoll', [input, until === undefined ? 1 : 2, 0, 0, 0]);
  if (until !== undefined) {
    plan.withSlot((events) => {
      plan.load(events, plan.addressOf(input, REVENTS), 2);
      // Only `until` has something to say: all is read.
      plan.branch(events, 'equal', 0, end.source);
    });
  }
  plan.place(read);
  // EIO: nobody has the slave of the terminal open.
  plan.call('read', [source, buffer, BUFFER_SIZE], { result: length, on: { EAGAIN: wait, EIO: ended } });
  plan.branch(length, 'equal', 0, ended);

  plan.place(rest);
  plan.call('ftruncate', [plan.slotRef(file), 0]);
  plan.call('pwrite64', [plan.slotRef(file), buffer, plan.slotRef(length), 0]);
  plan.place(write);
  plan.call('write', [destination, buffer, plan.slotRef(length)], {
    result: written,
    on: { EAGAIN: blocked, EPIPE: end.destination },
  });
  plan.call('pread64', [plan.slotRef(file), buffer, BUFFER_SIZE, plan.slotRef(written)], { result: length });
  plan.branch(length, 'notEqual', 0, rest);
  plan.jump(until === undefined ? read : wait);

  plan.place(blocked);
  plan.call('ppoll', [output, 1, 0, 0, 0]);
  plan.jump(write);

  if (hangUp === undefined) return;
  plan.place(ended);
  plan.withSlot((ready) => {
    // The terminal is hung up, too, as long as nobody has it open: it is looked at again now and then.
    plan.load(ready, plan.constant(numberBytes(LOOK_AGAIN), '{50000000}'));
    plan.store(ready, plan.addressOf(time, 8));
    plan.call('ppoll', [hangUp, 1, time, 0, 0], { result: ready });
    plan.branch(ready, 'equal', 0, wait);
  });
  plan.jump(end.source);
}
