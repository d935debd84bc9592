// The interpreter for x86-64. System calls (syscall(2)): number in rax, arguments in rdi, rsi, rdx, r10, r8, r9; the
// kernel changes rax, rcx and r11 only. The kernel starts a program with the direction flag clear.
//
//   rbp  the row being carried out      rbx  the slots (the failure record is right behind them)
//   r13  the first row                  r12  the row of the failure handler

import { SLOTS, STACK_SLOT } from '../plan.ts';
import type { Jump, Line } from './assemble.ts';
import { assemble, littleEndian, mark } from './assemble.ts';
import type { Machine } from './format.ts';
import { ADDRESS, PARAMETERS, VARIABLE_ADDRESS } from './format.ts';

/** Bytes in hex; the mnemonic as objdump prints it. */
function op(bytes: string, mnemonic: string, comment?: string): Line {
  const numbers = bytes.split(' ').map((byte) => Number.parseInt(byte, 16));
  return { bytes: numbers, mnemonic, ...(comment === undefined ? {} : { comment }) };
}

/** `mov register,value`: the upper half of the 64-bit register becomes zero. */
function move(opcode: number, register: string, value: number, comment: string): Line {
  return { bytes: [opcode, ...littleEndian(value, 4)], mnemonic: `mov ${register},0x${value.toString(16)}`, comment };
}

/** Conditional jumps by the low digit of their opcode: 7x with an 8-bit distance, 0f 8x with a 32-bit one. */
const CONDITION = { jb: 2, je: 4, jne: 5, js: 8 } as const;

function jump(mnemonic: keyof typeof CONDITION | 'jmp', to: string, comment?: string): Jump {
  const short = mnemonic === 'jmp' ? 0xeb : 0x70 + CONDITION[mnemonic];
  const near = mnemonic === 'jmp' ? [0xe9] : [0x0f, 0x80 + CONDITION[mnemonic]];
  return {
    mnemonic: `${mnemonic} `,
    to,
    // A distance counts from the end of the jump.
    encode: (distance) =>
      distance - 2 >= -128 && distance - 2 <= 127
        ? [short, ...littleEndian(distance - 2, 1)]
        : [...near, ...littleEndian(distance - near.length - 4, 4)],
    ...(comment === undefined ? {} : { comment }),
  };
}

/** Argument `index` of a call from the row: the value, or the number of the slot that has it. */
function argument(index: number, register: string, fromRow: string, fromSlot: string): Line[] {
  const offset = (16 + 8 * index).toString(16);
  const bit = (1 << index).toString(16);
  const ready = `argument ${index}`;
  return [
    op(`${fromRow} ${offset}`, `mov ${register},QWORD PTR [rbp+0x${offset}]`, ready),
    op(`f6 45 02 ${bit}`, `test BYTE PTR [rbp+0x2],0x${bit}`, 'is it the number of a slot?'),
    jump('je', ready),
    op(fromSlot, `mov ${register},QWORD PTR [rbx+${register}*8]`),
    mark(ready),
  ];
}

const RECORD = SLOTS * 8; // 0x200, from rbx

const LINES: readonly Line[] = [
  move(0xbd, 'ebp', PARAMETERS.address, 'the parameters of this image'),
  move(0xbf, 'edi', VARIABLE_ADDRESS, 'the variable data gets its initial bytes'),
  op('48 8b 75 10', 'mov rsi,QWORD PTR [rbp+0x10]'),
  op('48 8b 4d 18', 'mov rcx,QWORD PTR [rbp+0x18]'),
  op('f3 a4', 'rep movs BYTE PTR es:[rdi],BYTE PTR ds:[rsi]'),
  move(0xbb, 'ebx', ADDRESS.slots, 'the slots'),
  op('48 89 a3 f8 01 00 00', `mov QWORD PTR [rbx+0x${(STACK_SLOT * 8).toString(16)}],rsp`),
  op('4c 8b 65 08', 'mov r12,QWORD PTR [rbp+0x8]', 'the failure handler'),
  op('4c 8b 6d 00', 'mov r13,QWORD PTR [rbp+0x0]', 'the first row'),
  op('49 8d 6d c0', 'lea rbp,[r13-0x40]', 'as if the row before it had been carried out'),

  mark('next'),
  op('48 83 c5 40', 'add rbp,0x40'),
  mark('row'),
  op('0f b6 4d 01', 'movzx ecx,BYTE PTR [rbp+0x1]', 'slot'),
  op('0f b6 55 02', 'movzx edx,BYTE PTR [rbp+0x2]', 'width or comparison'),
  op('8a 45 00', 'mov al,BYTE PTR [rbp+0x0]', 'opcode'),
  op('3c 01', 'cmp al,0x1'),
  jump('je', 'call'),
  op('3c 02', 'cmp al,0x2'),
  jump('je', 'jump'),
  op('3c 03', 'cmp al,0x3'),
  jump('je', 'branch'),
  op('3c 04', 'cmp al,0x4'),
  jump('je', 'load'),
  op('3c 05', 'cmp al,0x5'),
  jump('je', 'store'),
  op('3c 06', 'cmp al,0x6'),
  jump('je', 'fail'),
  op('3c 07', 'cmp al,0x7'),
  jump('je', 'loadAt'),
  op('3c 08', 'cmp al,0x8'),
  jump('je', 'storeAt'),
  op('3c 09', 'cmp al,0x9'),
  jump('je', 'add'),
  mark('trap'),
  op('0f 0b', 'ud2', 'SIGILL: the plan ran off its end, or its failure handler failed'),

  mark('loadAt'),
  op('48 8b 75 10', 'mov rsi,QWORD PTR [rbp+0x10]', 'the number of the slot that has the address'),
  op('48 8b 34 f3', 'mov rsi,QWORD PTR [rbx+rsi*8]'),
  op('48 03 75 18', 'add rsi,QWORD PTR [rbp+0x18]'),
  jump('jmp', 'loading'),
  mark('load'),
  op('48 8b 75 10', 'mov rsi,QWORD PTR [rbp+0x10]'),
  mark('loading'),
  op('48 8d 3c cb', 'lea rdi,[rbx+rcx*8]'),
  op('48 83 27 00', 'and QWORD PTR [rdi],0x0', 'what the width leaves out is zero'),
  jump('jmp', 'copy'),
  mark('storeAt'),
  op('48 8b 7d 10', 'mov rdi,QWORD PTR [rbp+0x10]'),
  op('48 8b 3c fb', 'mov rdi,QWORD PTR [rbx+rdi*8]'),
  op('48 03 7d 18', 'add rdi,QWORD PTR [rbp+0x18]'),
  jump('jmp', 'storing'),
  mark('store'),
  op('48 8b 7d 10', 'mov rdi,QWORD PTR [rbp+0x10]'),
  mark('storing'),
  op('48 8d 34 cb', 'lea rsi,[rbx+rcx*8]'),
  mark('copy'),
  op('89 d1', 'mov ecx,edx', 'the width in bytes, the low ones first'),
  op('f3 a4', 'rep movs BYTE PTR es:[rdi],BYTE PTR ds:[rsi]'),
  jump('jmp', 'next'),

  mark('add'),
  op('48 8b 45 10', 'mov rax,QWORD PTR [rbp+0x10]'),
  op('f6 c2 01', 'test dl,0x1', 'is it the number of a slot?'),
  jump('je', 'adding'),
  op('48 8b 04 c3', 'mov rax,QWORD PTR [rbx+rax*8]'),
  mark('adding'),
  op('48 01 04 cb', 'add QWORD PTR [rbx+rcx*8],rax'),
  jump('jmp', 'next'),

  mark('branch'),
  op('48 8b 75 10', 'mov rsi,QWORD PTR [rbp+0x10]'),
  op('f6 45 03 01', 'test BYTE PTR [rbp+0x3],0x1', 'is it the number of a slot?'),
  jump('je', 'compare'),
  op('48 8b 34 f3', 'mov rsi,QWORD PTR [rbx+rsi*8]'),
  mark('compare'),
  op('48 8b 04 cb', 'mov rax,QWORD PTR [rbx+rcx*8]'),
  op('48 39 f0', 'cmp rax,rsi'),
  op('0f 94 c0', 'sete al'),
  op('0f 9c c4', 'setl ah'),
  op('f6 c2 02', 'test dl,0x2', 'equal and notEqual, or less and greaterOrEqual?'),
  jump('je', 'compared'),
  op('88 e0', 'mov al,ah'),
  mark('compared'),
  op('30 d0', 'xor al,dl', 'an odd comparison is the opposite of the even one'),
  op('a8 01', 'test al,0x1'),
  jump('je', 'next'),
  mark('jump'),
  op('8b 4d 04', 'mov ecx,DWORD PTR [rbp+0x4]'),
  mark('goto'),
  op('48 c1 e1 06', 'shl rcx,0x6', 'rcx is the number of a row; a row has 64 bytes'),
  op('49 8d 6c 0d 00', 'lea rbp,[r13+rcx*1+0x0]'),
  jump('jmp', 'row'),

  mark('fail'),
  op('8b 45 04', 'mov eax,DWORD PTR [rbp+0x4]'),
  mark('failed'),
  op('48 83 bb 08 02 00 00 00', `cmp QWORD PTR [rbx+0x${(RECORD + 8).toString(16)}],0x0`, 'rax is the errno'),
  jump('jne', 'trap', 'the failure handler itself failed'),
  op('48 89 83 08 02 00 00', `mov QWORD PTR [rbx+0x${(RECORD + 8).toString(16)}],rax`),
  op('4c 29 ed', 'sub rbp,r13'),
  op('48 c1 ed 06', 'shr rbp,0x6'),
  op('48 89 ab 00 02 00 00', `mov QWORD PTR [rbx+0x${RECORD.toString(16)}],rbp`, 'the index of the row'),
  op('4c 89 e5', 'mov rbp,r12'),
  jump('jmp', 'row'),

  mark('call'),
  ...argument(0, 'rdi', '48 8b 7d', '48 8b 3c fb'),
  ...argument(1, 'rsi', '48 8b 75', '48 8b 34 f3'),
  ...argument(2, 'rdx', '48 8b 55', '48 8b 14 d3'),
  ...argument(3, 'r10', '4c 8b 55', '4e 8b 14 d3'),
  ...argument(4, 'r8', '4c 8b 45', '4e 8b 04 c3'),
  ...argument(5, 'r9', '4c 8b 4d', '4e 8b 0c cb'),
  op('8b 45 04', 'mov eax,DWORD PTR [rbp+0x4]', 'number'),
  op('0f 05', 'syscall'),
  op('48 83 f8 fc', 'cmp rax,0xfffffffffffffffc', 'EINTR: again; no slot has changed'),
  jump('je', 'row'),
  op('0f b6 4d 01', 'movzx ecx,BYTE PTR [rbp+0x1]'),
  op('84 c9', 'test cl,cl', 'NO_SLOT is the only one with the upper bit'),
  jump('js', 'stored'),
  op('48 89 04 cb', 'mov QWORD PTR [rbx+rcx*8],rax'),
  mark('stored'),
  op('48 3d 01 f0 ff ff', 'cmp rax,0xfffffffffffff001', '-4095..-1 are errors'),
  jump('jb', 'next'),
  op('f7 d8', 'neg eax'),
  op('0f b7 4d 0a', 'movzx ecx,WORD PTR [rbp+0xa]'),
  op('66 3b 45 08', 'cmp ax,WORD PTR [rbp+0x8]'),
  jump('je', 'goto'),
  op('0f b7 4d 0e', 'movzx ecx,WORD PTR [rbp+0xe]'),
  op('66 3b 45 0c', 'cmp ax,WORD PTR [rbp+0xc]'),
  jump('je', 'goto'),
  op('f6 45 03 01', 'test BYTE PTR [rbp+0x3],0x1', 'errors are ignored'),
  jump('jne', 'next'),
  jump('jmp', 'failed'),
];

/** The interpreter for x86-64. */
export const x86_64: Machine = {
  architecture: 'x86-64',
  instructions: () => assemble(LINES),
};
