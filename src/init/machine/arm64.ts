// The interpreter for arm64. System calls (syscall(2)): number in x8, arguments in x0 to x5; the kernel changes x0 only.
//
//   x19  the row being carried out      x20  the slots (the failure record is right behind them)
//   x21  the first row                  x22  the row of the failure handler
//   of the row: w9 opcode, w10 slot, x12 its address, w11 width, comparison or which arguments are slots

import { SLOTS, STACK_SLOT } from '../plan.ts';
import type { Jump, Line } from './assemble.ts';
import { assemble, littleEndian, mark } from './assemble.ts';
import type { Machine } from './format.ts';
import { ADDRESS, PARAMETERS } from './format.ts';

/** An instruction word; the mnemonic as objdump prints it. */
function op(word: number, mnemonic: string, comment?: string): Line {
  return { bytes: littleEndian(word, 4), mnemonic, ...(comment === undefined ? {} : { comment }) };
}

/** `bits` bits of the distance in words go into the instruction at bit 5 (b: at bit 0). */
function jumpWord(word: number, bits: number, shift: number): Jump['encode'] {
  return (distance) => littleEndian(word + ((distance / 4) & (2 ** bits - 1)) * 2 ** shift, 4);
}
function jump(to: string, comment?: string): Jump {
  return { mnemonic: 'b ', to, encode: jumpWord(0x14000000, 26, 0), ...(comment === undefined ? {} : { comment }) };
}
const CONDITION = { eq: 0, ne: 1, cc: 3 } as const;
function jumpIf(condition: keyof typeof CONDITION, to: string): Jump {
  return { mnemonic: `b.${condition} `, to, encode: jumpWord(0x54000000 + CONDITION[condition], 19, 5) };
}
/** Is bit `bit` of the 32-bit register clear (tbz) or set (tbnz)? */
function jumpBit(mnemonic: 'tbz' | 'tbnz', register: number, bit: number, to: string, comment?: string): Jump {
  const word = (mnemonic === 'tbz' ? 0x36000000 : 0x37000000) + bit * 2 ** 19 + register;
  const text = `${mnemonic} w${register}, #${bit}, `;
  return { mnemonic: text, to, encode: jumpWord(word, 14, 5), ...(comment === undefined ? {} : { comment }) };
}
function jumpNotZero(register: number, to: string, comment: string): Jump {
  return { mnemonic: `cbnz x${register}, `, to, encode: jumpWord(0xb5000000 + register, 19, 5), comment };
}

/** Half a word of an address into a register: movz (the rest becomes zero) or movk (the rest stays). */
function half(kind: 'movz' | 'movk', register: number, value: number, upper: boolean): number {
  return (kind === 'movz' ? 0xd2800000 : 0xf2800000) + (upper ? 0x200000 : 0) + value * 32 + register;
}
const hex = (value: number): string => `#0x${value.toString(16)}`;
const parametersLow = PARAMETERS.address & 0xffff;
const parametersHigh = PARAMETERS.address >>> 16;

/** Argument `index` of a call from the row: the value, or the number of the slot that has it. */
function argument(index: number): Line[] {
  const ready = `argument ${index}`;
  return [
    op(0xf9400a60 + index * 0x401, `ldr x${index}, [x19, #${16 + 8 * index}]`, ready),
    jumpBit('tbz', 11, index, ready, 'is it the number of a slot?'),
    op(0xf8607a80 + index * 0x10001, `ldr x${index}, [x20, x${index}, lsl #3]`),
    mark(ready),
  ];
}

const RECORD = SLOTS * 8; // 512, from x20

const LINES: readonly Line[] = [
  op(half('movz', 19, parametersLow, false), `mov x19, ${hex(parametersLow)}`, 'the parameters of this image'),
  op(half('movk', 19, parametersHigh, true), `movk x19, ${hex(parametersHigh)}, lsl #16`),
  op(half('movz', 20, ADDRESS.slots >>> 16, true), `mov x20, ${hex(ADDRESS.slots)}`, 'the slots'),
  op(0x910003e0, 'mov x0, sp'),
  op(0xf900fe80, `str x0, [x20, #${STACK_SLOT * 8}]`),
  op(0xa9405a75, 'ldp x21, x22, [x19]', 'the first row, the failure handler'),
  op(0xa9410a61, 'ldp x1, x2, [x19, #16]', 'the variable data gets its initial bytes, eight at a time'),
  op(0x91080280, `add x0, x20, ${hex(RECORD)}`),
  mark('initial'),
  op(0xf8408423, 'ldr x3, [x1], #8'),
  op(0xf8008403, 'str x3, [x0], #8'),
  op(0xf1002042, 'subs x2, x2, #0x8'),
  jumpIf('ne', 'initial'),
  op(0xd10102b3, 'sub x19, x21, #0x40', 'as if the row before the first had been carried out'),

  mark('next'),
  op(0x91010273, 'add x19, x19, #0x40'),
  mark('row'),
  op(0x39400269, 'ldrb w9, [x19]', 'opcode'),
  op(0x3940066a, 'ldrb w10, [x19, #1]', 'slot'),
  op(0x39400a6b, 'ldrb w11, [x19, #2]', 'width, comparison or slot bits'),
  op(0x8b0a0e8c, 'add x12, x20, x10, lsl #3', 'address of the slot'),
  op(0x7100053f, 'cmp w9, #0x1'),
  jumpIf('eq', 'call'),
  op(0x7100093f, 'cmp w9, #0x2'),
  jumpIf('eq', 'jump'),
  op(0x71000d3f, 'cmp w9, #0x3'),
  jumpIf('eq', 'branch'),
  op(0x7100113f, 'cmp w9, #0x4'),
  jumpIf('eq', 'load'),
  op(0x7100153f, 'cmp w9, #0x5'),
  jumpIf('eq', 'store'),
  op(0x7100193f, 'cmp w9, #0x6'),
  jumpIf('eq', 'fail'),
  op(0x71001d3f, 'cmp w9, #0x7'),
  jumpIf('eq', 'loadAt'),
  op(0x7100213f, 'cmp w9, #0x8'),
  jumpIf('eq', 'storeAt'),
  op(0x7100253f, 'cmp w9, #0x9'),
  jumpIf('eq', 'add'),
  mark('trap'),
  op(0x00000000, 'udf #0', 'SIGILL: the plan ran off its end, or its failure handler failed'),

  mark('loadAt'),
  op(0xf9400a61, 'ldr x1, [x19, #16]', 'the number of the slot that has the address'),
  op(0xf8617a81, 'ldr x1, [x20, x1, lsl #3]'),
  op(0xf9400e63, 'ldr x3, [x19, #24]'),
  op(0x8b030021, 'add x1, x1, x3'),
  jump('loading'),
  mark('load'),
  op(0xf9400a61, 'ldr x1, [x19, #16]'),
  mark('loading'),
  op(0xf900019f, 'str xzr, [x12]', 'what the width leaves out is zero'),
  op(0xaa0c03e0, 'mov x0, x12'),
  jump('copy'),
  mark('storeAt'),
  op(0xf9400a60, 'ldr x0, [x19, #16]'),
  op(0xf8607a80, 'ldr x0, [x20, x0, lsl #3]'),
  op(0xf9400e63, 'ldr x3, [x19, #24]'),
  op(0x8b030000, 'add x0, x0, x3'),
  jump('storing'),
  mark('store'),
  op(0xf9400a60, 'ldr x0, [x19, #16]'),
  mark('storing'),
  op(0xaa0c03e1, 'mov x1, x12'),
  mark('copy'),
  op(0x38401422, 'ldrb w2, [x1], #1', 'the width in bytes, the low ones first'),
  op(0x38001402, 'strb w2, [x0], #1'),
  op(0x7100056b, 'subs w11, w11, #0x1'),
  jumpIf('ne', 'copy'),
  jump('next'),

  mark('add'),
  op(0xf9400a60, 'ldr x0, [x19, #16]'),
  jumpBit('tbz', 11, 0, 'adding', 'is it the number of a slot?'),
  op(0xf8607a80, 'ldr x0, [x20, x0, lsl #3]'),
  mark('adding'),
  op(0xf9400181, 'ldr x1, [x12]'),
  op(0x8b010000, 'add x0, x0, x1'),
  op(0xf9000180, 'str x0, [x12]'),
  jump('next'),

  mark('branch'),
  op(0xf9400180, 'ldr x0, [x12]'),
  op(0xf9400a61, 'ldr x1, [x19, #16]'),
  op(0x39400e62, 'ldrb w2, [x19, #3]'),
  jumpBit('tbz', 2, 0, 'compare', 'is it the number of a slot?'),
  op(0xf8617a81, 'ldr x1, [x20, x1, lsl #3]'),
  mark('compare'),
  op(0xeb01001f, 'cmp x0, x1'),
  op(0x1a9f17e0, 'cset w0, eq'),
  op(0x1a9fa7e1, 'cset w1, lt'),
  op(0x721f017f, 'tst w11, #0x2', 'equal and notEqual, or less and greaterOrEqual?'),
  op(0x1a810000, 'csel w0, w0, w1, eq'),
  op(0x4a0b0000, 'eor w0, w0, w11', 'an odd comparison is the opposite of the even one'),
  jumpBit('tbz', 0, 0, 'next'),
  mark('jump'),
  op(0xb9400660, 'ldr w0, [x19, #4]'),
  mark('goto'),
  op(0x8b001ab3, 'add x19, x21, x0, lsl #6', 'x0 is the number of a row; a row has 64 bytes'),
  jump('row'),

  mark('fail'),
  op(0xb9400661, 'ldr w1, [x19, #4]'),
  mark('failed'),
  op(0xf9410682, `ldr x2, [x20, #${RECORD + 8}]`, 'x1 is the errno'),
  jumpNotZero(2, 'trap', 'the failure handler itself failed'),
  op(0xf9010681, `str x1, [x20, #${RECORD + 8}]`),
  op(0xcb150262, 'sub x2, x19, x21'),
  op(0xd346fc42, 'lsr x2, x2, #6'),
  op(0xf9010282, `str x2, [x20, #${RECORD}]`, 'the index of the row'),
  op(0xaa1603f3, 'mov x19, x22'),
  jump('row'),

  mark('call'),
  ...argument(0),
  ...argument(1),
  ...argument(2),
  ...argument(3),
  ...argument(4),
  ...argument(5),
  op(0xb9400668, 'ldr w8, [x19, #4]', 'number'),
  op(0xd4000001, 'svc #0x0'),
  op(0xb100101f, 'cmn x0, #0x4', 'EINTR: again; no slot has changed'),
  jumpIf('eq', 'row'),
  jumpBit('tbnz', 10, 7, 'stored', 'NO_SLOT is the only one with the upper bit'),
  op(0xf9000180, 'str x0, [x12]'),
  mark('stored'),
  op(0xb13ffc1f, 'cmn x0, #0xfff', '-4095..-1 are errors'),
  jumpIf('cc', 'next'),
  op(0xcb0003e1, 'neg x1, x0'),
  op(0x79401262, 'ldrh w2, [x19, #8]'),
  op(0x79401660, 'ldrh w0, [x19, #10]'),
  op(0x6b02003f, 'cmp w1, w2'),
  jumpIf('eq', 'goto'),
  op(0x79401a62, 'ldrh w2, [x19, #12]'),
  op(0x79401e60, 'ldrh w0, [x19, #14]'),
  op(0x6b02003f, 'cmp w1, w2'),
  jumpIf('eq', 'goto'),
  op(0x39400e62, 'ldrb w2, [x19, #3]'),
  jumpBit('tbnz', 2, 0, 'next', 'errors are ignored'),
  jump('failed'),
];

/** The interpreter for arm64. */
export const arm64: Machine = {
  architecture: 'arm64',
  instructions: () => assemble(LINES),
};
