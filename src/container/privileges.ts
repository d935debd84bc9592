// Who calls the runtime, as far as the host's privileges go.

import { statSync } from 'node:fs';

/** PROC_USER_INIT_INO of <linux/proc_ns.h>: the inode of the initial user namespace. */
const INITIAL = 0xeffffffd;

/** Root, and not of a user namespace. */
export function isHostRoot(): boolean {
  return process.geteuid?.() === 0 && statSync('/proc/self/ns/user').ino === INITIAL;
}
