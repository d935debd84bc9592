// What the runtime makes of the messages of an exec's processes, in whichever order they come.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { test } from 'node:test';
import { MESSAGE } from '../init/messages.ts';
import type { Plan } from '../init/plan.ts';
import { packetPair, receivePacket, sendPacket } from '../linux/sockets.ts';
import { syscall } from '../linux/syscall.ts';
import { type Heard, hearOfProgram } from './exec-converse.ts';

const plan = { operations: [] } as unknown as Plan;

function message(type: number, value: number): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32LE(type, 0);
  bytes.writeUInt32LE(value, 4);
  return bytes;
}

async function hear(order: readonly ('ready' | 'pid')[]): Promise<void> {
  const program: ChildProcess = spawn('sleep', ['60'], { stdio: 'ignore' });
  const [ours, theirs] = packetPair();
  try {
    const pid = program.pid ?? 0;
    const seen: number[] = [];
    for (const what of order) sendPacket(theirs, message(MESSAGE[what], what === 'pid' ? pid : 0));
    const heard: Heard = { children: [] };
    await hearOfProgram(ours, plan, '', heard, {
      beforeFilter: 0,
      filtered: () => assert.fail('there is no filter'),
      ready: async (of) => {
        seen.push(of);
        // It goes on when it was let go on, and executes the program.
        sendPacket(theirs, message(MESSAGE.executing, 0));
        syscall('shutdown', theirs, 1);
      },
    });
    assert.deepEqual(seen, [pid]);
    assert.equal(heard.pid, pid);
    assert.deepEqual([...(receivePacket(theirs) as Buffer)], [1], 'it is let go on');
  } finally {
    program.kill('SIGKILL');
    syscall('close', ours);
    syscall('close', theirs);
  }
}

test('the process that waits is attended to when its pid is known', () => hear(['pid', 'ready']));

test('also where it says that it waits before the one that cloned it has told its pid', () => hear(['ready', 'pid']));
