// A classic BPF program (linux/filter.h), written from its end to its beginning: jumps only go forward, so where each goes is known when
// it is written. A place is counted from the end.

import { fail } from '../error.ts';

/** BPF_MAXINSNS */
export const MOST_INSTRUCTIONS = 4096;

export const LOAD = 0x20; // BPF_LD|BPF_W|BPF_ABS
export const JUMP = 0x05; // BPF_JMP|BPF_JA
export const JUMP_EQUAL = 0x15; // BPF_JMP|BPF_JEQ|BPF_K
export const JUMP_GREATER = 0x25; // BPF_JMP|BPF_JGT|BPF_K
export const JUMP_GREATER_OR_EQUAL = 0x35; // BPF_JMP|BPF_JGE|BPF_K
export const AND = 0x54; // BPF_ALU|BPF_AND|BPF_K
export const RETURN = 0x06; // BPF_RET|BPF_K

/** struct seccomp_data */
export const OFFSET = { number: 0, architecture: 4, arguments: 16 } as const;

/** A conditional jump reaches that far. */
const REACH = 255;

export type Place = number;

export interface ProgramWriter {
  /** An instruction that the next one follows. */
  put(code: number, k: number): Place;
  /** Goes to `yes` if the comparison with k holds, else to `no`. */
  branch(code: number, k: number, yes: Place, no: Place): Place;
  /** Ends with this verdict: where the same is said nearby already, there. */
  verdict(action: number): Place;
  /** The place goes on at `to`: nothing is written where it is next anyway. */
  goOn(to: Place): Place;
  /** struct sock_filter[], as the kernel takes it: { u16 code; u8 jt; u8 jf; u32 k }, little-endian. */
  finish(): Uint8Array;
}

export function programWriter(): ProgramWriter {
  // The last instruction is at the end of the array.
  const words = new Uint32Array(MOST_INSTRUCTIONS * 2);
  const verdicts = new Map<number, Place>();
  let count = 0;

  function put(code: number, k: number): Place {
    if (count === MOST_INSTRUCTIONS) {
      fail({
        code: 'unsupported',
        message: `the seccomp profile needs a filter of more than ${MOST_INSTRUCTIONS} instructions, which is the kernel's limit`,
        pointer: '/linux/seccomp',
      });
    }
    const at = (MOST_INSTRUCTIONS - 1 - count) * 2;
    words[at] = code;
    words[at + 1] = k;
    count += 1;
    return count - 1;
  }

  /** As near as a conditional jump that is written next needs it, or with one more instruction between. */
  function within(to: Place, between: number): Place {
    return count + between - to - 1 <= REACH ? to : put(JUMP, count - to - 1);
  }

  return {
    put,
    branch(code, k, yes, no) {
      if (yes === no) return yes;
      // The second may push the first out of reach by one.
      const far = within(yes, 1);
      const other = within(no, 0);
      const at = put(code, k);
      const index = (MOST_INSTRUCTIONS - 1 - at) * 2;
      words[index] = code | ((at - far - 1) << 16) | ((at - other - 1) << 24);
      return at;
    },
    verdict(action) {
      const known = verdicts.get(action);
      // Nearer than the reach: what jumps there is written later.
      if (known !== undefined && count - known < REACH / 2) return known;
      const at = put(RETURN, action);
      verdicts.set(action, at);
      return at;
    },
    goOn: (to) => (to === count - 1 ? to : put(JUMP, count - to - 1)),
    finish: () => new Uint8Array(words.buffer, (MOST_INSTRUCTIONS - count) * 8, count * 8),
  };
}
