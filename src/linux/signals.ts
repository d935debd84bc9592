// Signal names and numbers, as in signal(7). The numbers are those that x86-64 and arm64 share.

import { fail } from '../error.ts';
import { nearest } from '../nearest.ts';

const BY_NAME: ReadonlyMap<string, number> = new Map([
  ['SIGHUP', 1],
  ['SIGINT', 2],
  ['SIGQUIT', 3],
  ['SIGILL', 4],
  ['SIGTRAP', 5],
  ['SIGABRT', 6],
  ['SIGBUS', 7],
  ['SIGFPE', 8],
  ['SIGKILL', 9],
  ['SIGUSR1', 10],
  ['SIGSEGV', 11],
  ['SIGUSR2', 12],
  ['SIGPIPE', 13],
  ['SIGALRM', 14],
  ['SIGTERM', 15],
  ['SIGSTKFLT', 16],
  ['SIGCHLD', 17],
  ['SIGCONT', 18],
  ['SIGSTOP', 19],
  ['SIGTSTP', 20],
  ['SIGTTIN', 21],
  ['SIGTTOU', 22],
  ['SIGURG', 23],
  ['SIGXCPU', 24],
  ['SIGXFSZ', 25],
  ['SIGVTALRM', 26],
  ['SIGPROF', 27],
  ['SIGWINCH', 28],
  ['SIGIO', 29],
  ['SIGPWR', 30],
  ['SIGSYS', 31],
]);

/** Second names that signal(7) lists for the same numbers. */
const SYNONYMS: ReadonlyMap<string, number> = new Map([
  ['SIGIOT', 6],
  ['SIGCLD', 17],
  ['SIGPOLL', 29],
  ['SIGUNUSED', 31],
]);

/** The C library keeps the kernel's first two real-time signals (32 and 33) for its threads; users count from here. */
export const SIGRTMIN = 34;
export const SIGRTMAX = 64;

const REAL_TIME = /^SIGRT(?:MIN(?:\+([0-9]{1,2}))?|MAX(?:-([0-9]{1,2}))?)$/;

function realTimeSignal(name: string): number | undefined {
  const match = REAL_TIME.exec(name);
  if (match === null) return undefined;
  const number = name.startsWith('SIGRTMIN') ? SIGRTMIN + Number(match[1] ?? 0) : SIGRTMAX - Number(match[2] ?? 0);
  return number >= SIGRTMIN && number <= SIGRTMAX ? number : undefined;
}

/**
 * The number of a signal given as a number (0 to 64; 0 only probes, kill(2)) or as a name, with or without SIG, in any case:
 * `9`, `KILL`, `SIGKILL`, `sigkill`, `RTMIN+3`, `SIGRTMAX-1`. Anything else is a `usage` error that says what may have been meant.
 */
export function parseSignal(text: string): number {
  if (/^[0-9]+$/.test(text)) {
    const number = Number(text);
    if (number <= SIGRTMAX) return number;
    fail({ code: 'usage', message: `no signal has the number ${text}`, hint: `the numbers go from 0 to ${SIGRTMAX}` });
  }
  const upper = text.toUpperCase();
  const name = upper.startsWith('SIG') ? upper : `SIG${upper}`;
  const number = BY_NAME.get(name) ?? SYNONYMS.get(name) ?? realTimeSignal(name);
  if (number !== undefined) return number;
  const suggestion = nearest(name, BY_NAME.keys());
  fail({
    code: 'usage',
    message: `unknown signal ${JSON.stringify(text)}`,
    ...(suggestion === undefined ? {} : { hint: `did you mean ${suggestion}?` }),
  });
}

/** The name of a signal: `SIGKILL`, `SIGRTMIN+3`; the bare number for what has no name (0, 32, 33, above 64). */
export function signalName(number: number): string {
  for (const [name, value] of BY_NAME) if (value === number) return name;
  if (number < SIGRTMIN || number > SIGRTMAX) return String(number);
  if (number === SIGRTMIN) return 'SIGRTMIN';
  return number === SIGRTMAX ? 'SIGRTMAX' : `SIGRTMIN+${number - SIGRTMIN}`;
}

/** Every name that signal(7) gives a number of its own, by number; the real-time signals are not among them. */
export function signalNames(): readonly string[] {
  return [...BY_NAME.keys()];
}
