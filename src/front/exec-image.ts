// The launcher's image, from the file that an engine has left into memory that nobody can write to.

import type { Prepared } from './exec-checks.ts';
import { OFFSET } from './exec-record.ts';
import { type Front, ref, set } from './words.ts';

const F_ADD_SEALS = 1033;
const F_GET_SEALS = 1034;
const SEALS = { SEAL: 1, SHRINK: 2, GROW: 4, WRITE: 8, EXEC: 0x20 } as const;
const MFD_CLOEXEC = 1;
const MFD_ALLOW_SEALING = 2;
const MFD_EXEC = 0x10;

/** As linux/memfd.ts does it. Where memory can't be executed it is the engine's. */
export function copyImage(front: Front, { record, file, memory }: Prepared): void {
  const { plan, engine } = front;
  const [seals, size, copied] = [plan.slot(), plan.slot(), plan.slot()];
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
  const from = plan.variable(8, '{offset}');
  plan.load(size, plan.addressOf(record, OFFSET.header));
  plan.store(size, from);
  plan.load(size, plan.addressOf(record, OFFSET.image));
  plan.call('sendfile', [ref(front, memory), ref(front, file), from, ref(front, size)], { result: copied });
  plan.branch(copied, 'notEqual', ref(front, size), engine);
  plan.call('fcntl', [ref(front, memory), F_ADD_SEALS, ref(front, seals)]);
  // The kernel adds one for an executable: never fewer.
  plan.call('fcntl', [ref(front, memory), F_GET_SEALS, 0], { result: copied });
  plan.branch(copied, 'less', ref(front, seals), engine);
  plan.call('close', [ref(front, file)]);
  for (const slot of [seals, size, copied]) plan.free(slot);
}
