// The engine is executed in this process's place, with the same arguments.

import { AT_FDCWD } from '../linux/mount-constants.ts';
import { setEngineEnvironment } from './environment.ts';
import { type CommandLine, exit, type Front, ref, set } from './words.ts';

/** Its file, beside the front's own. */
export const ENGINE = 'runt-engine';
const LONGEST_PATH = 4096;
const STDERR = 2;

/** `self`: a link to the front. Any failure leads here, so nothing here may fail in the machine's sense. */
export function executeEngine(front: Front, line: CommandLine, self: string): void {
  const { plan } = front;
  const { argv, envp } = line;
  setEngineEnvironment(front, line);
  const path = plan.variable(LONGEST_PATH + 32, '{path}');
  const [length, at, byte] = [plan.slot(), plan.slot(), plan.slot()];
  const [again, found, failed] = [plan.label(), plan.label(), plan.label()];
  plan.call('readlinkat', [AT_FDCWD, self, path, LONGEST_PATH], { result: length, ignoreErrors: true });
  plan.branch(length, 'less', 1, failed);
  // An absolute path: there is a slash.
  set(front, at, path);
  plan.add(at, ref(front, length));
  plan.place(again);
  plan.add(at, -1);
  plan.load(byte, plan.at(at), 1);
  plan.branch(byte, 'equal', '/'.charCodeAt(0), found);
  plan.jump(again);
  plan.place(found);
  const name = Buffer.alloc((ENGINE.length + 8) & ~7);
  name.write(ENGINE);
  for (let offset = 0; offset < name.length; offset += 8) {
    set(front, byte, name.readBigInt64LE(offset));
    plan.store(byte, plan.at(at, 1 + offset));
  }
  plan.call('execve', [path, ref(front, argv), ref(front, envp)], { ignoreErrors: true });
  plan.place(failed);
  const message = `runt: ${ENGINE} can't be executed: it must lie in the same directory as this program, and /proc be mounted\n`;
  plan.call('write', [STDERR, message, Buffer.byteLength(message)], { ignoreErrors: true });
  exit(front, 1);
}

/** argv[0] of the engine. */
export function replaceName(front: Front, { argv }: CommandLine, name: string): void {
  const { plan } = front;
  plan.withSlot((address) => {
    set(front, address, plan.string(name));
    plan.store(address, plan.at(argv));
  });
}
