// What the engine reads in its environment when it begins.

import type { Slot } from '../init/plan.ts';
import { type CommandLine, expectBytes, type Front, ref, set } from './words.ts';

/** Variables that would steer the engine: another program in its place, options, files to run first. They are not passed on. */
const STEERING = 'BUN_';

/**
 * What the engine is to do without, since it lives for milliseconds: no room and stubs for compiled functions (JSC_useJIT), no thread that
 * touches pages of the heap in advance (JSC_useWarmUpMarkedBlocks). Together a tenth of its processor time.
 */
const OURS = ['BUN_JSC_useJIT=0', 'BUN_JSC_useWarmUpMarkedBlocks=0'] as const;

const WORD = 8;

/** Changes both vectors on the stack, and where they begin. */
export function setEngineEnvironment(front: Front, line: CommandLine): void {
  dropVariables(front, line.envp);
  makeRoom(front, line);
  const { plan } = front;
  plan.withSlot((address) => {
    OURS.forEach((variable, index) => {
      set(front, address, plan.string(variable));
      plan.store(address, plan.at(line.envp, index * WORD));
    });
  });
}

function dropVariables(front: Front, envp: Slot): void {
  const { plan } = front;
  const [from, to, variable] = [plan.slot(), plan.slot(), plan.slot()];
  const [again, keep, done] = [plan.label(), plan.label(), plan.label()];
  set(front, from, ref(front, envp));
  set(front, to, ref(front, envp));
  plan.place(again);
  plan.load(variable, plan.at(from));
  plan.add(from, WORD);
  plan.branch(variable, 'equal', 0, done);
  expectBytes(front, variable, Buffer.from(STEERING), keep);
  plan.jump(again);
  plan.place(keep);
  plan.store(variable, plan.at(to));
  plan.add(to, WORD);
  plan.jump(again);
  plan.place(done);
  plan.store(variable, plan.at(to));
  for (const slot of [from, to, variable]) plan.free(slot);
}

/** The arguments lie directly before the environment: they move down, over the count and what is below the stack pointer, which nobody uses. */
function makeRoom(front: Front, { argv, envp }: CommandLine): void {
  const { plan } = front;
  const distance = OURS.length * WORD;
  const [at, word] = [plan.slot(), plan.slot()];
  const [again, done] = [plan.label(), plan.label()];
  set(front, at, ref(front, argv));
  plan.place(again);
  plan.load(word, plan.at(at));
  plan.store(word, plan.at(at, -distance));
  plan.branch(word, 'equal', 0, done);
  plan.add(at, WORD);
  plan.jump(again);
  plan.place(done);
  plan.add(argv, -distance);
  plan.add(envp, -distance);
  for (const slot of [at, word]) plan.free(slot);
}
