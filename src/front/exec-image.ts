// The launcher's image, from the file that an engine has left into memory that nobody can write to.

import type { Slot } from '../init/plan.ts';
import type { Prepared } from './exec-checks.ts';
import { OFFSET } from './exec-record.ts';
import { type Front, ref, set } from './words.ts';

const F_ADD_SEALS = 1033;
const F_GET_SEALS = 1034;
const SEALS = { SEAL: 1, SHRINK: 2, GROW: 4, WRITE: 8, EXEC: 0x20 } as const;
const MFD_CLOEXEC = 1;
const MFD_ALLOW_SEALING = 2;
const MFD_EXEC = 0x10;

/** Where memory can't be executed it is the engine's. */
export function copyImage(front: Front, { record, file, memory }: Prepared): void {
  const { plan, engine } = front;
  const [size, copied] = [plan.slot(), plan.slot()];
  const seals = makeSealedMemory(front, memory);
  const from = plan.variable(8, '{offset}');
  plan.load(size, plan.addressOf(record, OFFSET.header));
  plan.store(size, from);
  plan.load(size, plan.addressOf(record, OFFSET.image));
  plan.call('sendfile', [ref(front, memory), ref(front, file), from, ref(front, size)], { result: copied });
  plan.branch(copied, 'notEqual', ref(front, size), engine);
  sealMemory(front, memory, seals);
  plan.call('close', [ref(front, file)]);
  for (const slot of [size, copied]) plan.free(slot);
}

/** As linux/memfd.ts does it. Returns a slot with the seals to set when it is written. */
export function makeSealedMemory(front: Front, memory: Slot): Slot {
  const { plan } = front;
  const seals = plan.slot();
  const [old, made] = [plan.label(), plan.label()];
  const usual = SEALS.SEAL | SEALS.SHRINK | SEALS.GROW | SEALS.WRITE;
  set(front, seals, usual | SEALS.EXEC);
  const flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  plan.call('memfd_create', ['runt:init', flags | MFD_EXEC], { result: memory, on: { EINVAL: old } });
  plan.jump(made);
  plan.place(old);
  set(front, seals, usual);
  plan.call('memfd_create', ['runt:init', flags], { result: memory });
  plan.place(made);
  return seals;
}

export function sealMemory(front: Front, memory: Slot, seals: Slot): void {
  const { plan, engine } = front;
  plan.call('fcntl', [ref(front, memory), F_ADD_SEALS, ref(front, seals)]);
  plan.withSlot((found) => {
    // The kernel adds one for an executable: never fewer.
    plan.call('fcntl', [ref(front, memory), F_GET_SEALS, 0], { result: found });
    plan.branch(found, 'less', ref(front, seals), engine);
  });
  plan.free(seals);
}
