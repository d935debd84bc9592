// `exec` on the command line, as far as the front takes it: --detach and --pid-file, the container's id, and the program: words, to be executed as
// config.json describes the container's own process, or a file that describes a process (--process).

import type { Label, Slot } from '../init/plan.ts';
import { type CommandLine, expectString, type Front, ref, set } from './words.ts';

const F_GETFD = 1;
const DASH = '-'.charCodeAt(0);

/** Goes on with `complete`. `next`: the address of the word `exec` in argv. */
export function readExecWords(front: Front, line: CommandLine, next: Slot, complete: Label): void {
  const { plan, engine } = front;
  // Before anything else could get the number of a stream that the caller has closed.
  for (const stream of [0, 1, 2]) plan.call('fcntl', [stream, F_GETFD, 0]);
  const [word, first] = [plan.slot(), plan.slot()];
  const [again, id] = [plan.label(), plan.label()];
  const take = (): void => {
    plan.add(next, 8);
    plan.load(word, plan.at(next));
    plan.branch(word, 'equal', 0, engine);
    plan.load(first, plan.at(word), 1);
    // An empty word.
    plan.branch(first, 'equal', 0, engine);
  };
  const option = (names: readonly string[], body: () => void): void => {
    for (const name of names) {
      const other = plan.label();
      expectString(front, word, name, other);
      body();
      plan.jump(again);
      plan.place(other);
    }
  };
  plan.place(again);
  take();
  plan.branch(first, 'notEqual', DASH, id);
  option(['--detach', '-d'], () => set(front, line.detach, 1));
  option(['--pid-file'], () => {
    take();
    set(front, line.pidFile, ref(front, word));
  });
  option(['--process', '-p'], () => {
    take();
    // "-" is standard input.
    plan.branch(first, 'equal', DASH, engine);
    set(front, line.description, ref(front, word));
  });
  plan.jump(engine);
  plan.place(id);
  set(front, line.id, ref(front, word));
  const words = plan.label();
  plan.branch(line.description, 'equal', 0, words);
  plan.add(next, 8);
  plan.load(word, plan.at(next));
  plan.branch(word, 'notEqual', 0, engine);
  plan.jump(complete);
  plan.place(words);
  take();
  plan.branch(first, 'equal', DASH, engine);
  set(front, line.program, ref(front, next));
  plan.free(word);
  plan.free(first);
  plan.jump(complete);
}
