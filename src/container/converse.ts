// What the runtime hears from init during `create`, and answers (init/messages.ts).

import { fail } from '../error.ts';
import { GO, type InitMessage, MESSAGE } from '../init/messages.ts';
import type { Plan } from '../init/plan.ts';
import { sendPacket } from '../linux/sockets.ts';
import { type HookEnd, initProblem } from './problems.ts';
import { receiveMessage } from './receive.ts';
import { startStep } from './start-steps.ts';

export interface Listener {
  /** Init is there: its pid on the host. */
  started(pid: number): void;
  /** The mounts are made; the runtime's hooks are due. */
  hooks(pid: number): void;
  /** Init has its network namespace; devices are due to be moved there. */
  network(pid: number): void;
  /** Init has copied a tree whose ids the runtime is to map: it has this number in init. */
  copied(pid: number, descriptor: number): void;
  /** The seccomp filter is there, and notifies: its listener has this number in init. */
  filtered(pid: number, descriptor: number): void;
  /** What the hooks that init ran have printed. */
  hookOutput(): string;
}

/** Returns init's pid when it is ready and waits for GO. Throws `init`, `hook` with the step that failed. */
export function converse(channel: number, plan: Plan, listener: Listener): number {
  const pid = initPid(channel);
  if (pid.value !== 0) listener.started(pid.value);
  let hook: HookEnd | undefined;
  for (;;) {
    const message = pid.early.shift() ?? receiveMessage(channel);
    if (message === undefined) {
      return fail({
        code: 'init',
        message:
          pid.value === 0
            ? 'the launcher ended without a word'
            : 'init ended without a word while it prepared the container',
        hint: 'was it killed, or did a memory limit hit it? see the kernel log',
      });
    }
    if (message.kind === 'failure')
      fail(initProblem(startStep(plan, message.operation), message.errno, hook, listener.hookOutput));
    switch (message.type) {
      case MESSAGE.hooks:
        listener.hooks(pid.value);
        sendPacket(channel, GO);
        break;
      case MESSAGE.network:
        listener.network(pid.value);
        sendPacket(channel, GO);
        break;
      case MESSAGE.listener:
        listener.filtered(pid.value, message.value);
        sendPacket(channel, GO);
        break;
      case MESSAGE.tree:
        listener.copied(pid.value, message.value);
        sendPacket(channel, GO);
        break;
      case MESSAGE.ready:
        return pid.value;
      default:
        // A hook of init's ended badly; the failure record that follows names it.
        hook = { type: message.type, value: message.value };
    }
  }
}

/** The launcher tells init's pid; what init itself says may come before. 0: the launcher has failed, or was killed. */
function initPid(channel: number): { value: number; early: InitMessage[] } {
  const early: InitMessage[] = [];
  for (;;) {
    const message = receiveMessage(channel);
    if (message === undefined) return { value: 0, early };
    if (message.kind === 'message' && message.type === MESSAGE.pid) return { value: message.value, early };
    early.push(message);
  }
}
