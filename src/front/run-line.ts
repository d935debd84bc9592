// `run` on the command line, as far as the front looks at it: the id, and --bundle. Other options are its engine's.

import type { Slot } from '../init/plan.ts';
import { type CommandLine, expectBytes, expectString, type Front, ref, set } from './words.ts';

/** Goes to the engine for any other word. `next`: the address of the word `run` in argv. Returns a slot with the address of the bundle's path; 0: the working directory. */
export function readRunWords(front: Front, line: CommandLine, next: Slot): Slot {
  const { plan, engine } = front;
  const [bundle, word, first] = [plan.slot(), plan.slot(), plan.slot()];
  const [again, id, done] = [plan.label(), plan.label(), plan.label()];
  const take = (): void => {
    plan.add(next, 8);
    plan.load(word, plan.at(next));
  };
  set(front, bundle, 0);
  set(front, line.id, 0);
  plan.place(again);
  take();
  plan.branch(word, 'equal', 0, done);
  plan.load(first, plan.at(word), 1);
  plan.branch(first, 'notEqual', '-'.charCodeAt(0), id);
  for (const name of ['--bundle', '-b']) {
    const [other, otherForm] = [plan.label(), plan.label()];
    expectString(front, word, name, other);
    take();
    plan.branch(word, 'equal', 0, engine);
    set(front, bundle, ref(front, word));
    plan.jump(again);
    plan.place(other);
    expectBytes(front, word, Buffer.from(`${name}=`), otherForm);
    plan.add(word, name.length + 1);
    set(front, bundle, ref(front, word));
    plan.jump(again);
    plan.place(otherForm);
  }
  plan.jump(engine);
  plan.place(id);
  plan.branch(line.id, 'notEqual', 0, engine);
  set(front, line.id, ref(front, word));
  plan.jump(again);
  plan.place(done);
  plan.branch(line.id, 'equal', 0, engine);
  for (const slot of [word, first]) plan.free(slot);
  return bundle;
}
