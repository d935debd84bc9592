// What a filter says of a call: the program, carried out as the kernel does. For looking ahead (container/seccomp.ts) and for tests.

import { AND, JUMP, JUMP_EQUAL, JUMP_GREATER, JUMP_GREATER_OR_EQUAL, LOAD, OFFSET, RETURN } from './program.ts';

const JUMP_SET = 0x45; // BPF_JMP|BPF_JSET|BPF_K

export interface Call {
  readonly number: number;
  /** AUDIT_ARCH_* */
  readonly architecture: number;
  /** undefined: not known. */
  readonly args: readonly (bigint | undefined)[];
}

/** SECCOMP_RET_* with its data; undefined: it depends on an argument that is not known. Throws for what is no such program. */
export function verdictOf(program: Uint8Array, call: Call): number | undefined {
  const words = new Uint32Array(program.buffer, program.byteOffset, program.length / 4);
  let accumulator = 0;
  for (let at = 0; at * 2 < words.length; at++) {
    const word = words[at * 2] ?? 0;
    const k = words[at * 2 + 1] ?? 0;
    let met: boolean;
    switch (word & 0xffff) {
      case LOAD: {
        const loaded = load(call, k);
        if (loaded === undefined) return undefined;
        accumulator = loaded;
        continue;
      }
      case AND:
        accumulator = (accumulator & k) >>> 0;
        continue;
      case JUMP:
        at += k;
        continue;
      case RETURN:
        return k;
      case JUMP_EQUAL:
        met = accumulator === k;
        break;
      case JUMP_GREATER:
        met = accumulator > k;
        break;
      case JUMP_GREATER_OR_EQUAL:
        met = accumulator >= k;
        break;
      case JUMP_SET:
        met = (accumulator & k) !== 0;
        break;
      default:
        throw new Error(`instruction ${at} is unknown: 0x${word.toString(16)}`);
    }
    at += met ? (word >>> 16) & 0xff : word >>> 24;
  }
  throw new Error('the program has no end');
}

function load({ number, architecture, args }: Call, offset: number): number | undefined {
  if (offset === OFFSET.number) return number >>> 0;
  if (offset === OFFSET.architecture) return architecture;
  const argument = args[(offset - OFFSET.arguments) >> 3];
  if (argument === undefined) return undefined;
  return Number((offset & 4) === 0 ? argument & 0xffffffffn : (argument >> 32n) & 0xffffffffn);
}
