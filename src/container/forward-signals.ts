// Signals that `run` and `exec` pass on while they wait for a program in the foreground.

/** What a person or a service manager may send to `run`, meaning the container. Not those that a fault of ours raises. */
const FORWARDED = [
  'SIGHUP',
  'SIGINT',
  'SIGQUIT',
  'SIGUSR1',
  'SIGUSR2',
  'SIGTERM',
  'SIGCONT',
  'SIGTSTP',
  'SIGTTIN',
  'SIGTTOU',
  'SIGALRM',
  'SIGWINCH',
  'SIGVTALRM',
  'SIGXCPU',
  'SIGXFSZ',
  'SIGIO',
  'SIGPWR',
] as const;

/** Calls `send` with each from now on. Returns what ends that. */
export function forwardSignals(send: (signal: number, name: string) => void): () => void {
  const forward = (name: string, signal: number): void => send(signal, name);
  for (const name of FORWARDED) process.on(name, forward);
  return () => {
    for (const name of FORWARDED) process.off(name, forward);
  };
}
