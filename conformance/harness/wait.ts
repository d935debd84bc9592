// Waiting for an event, synchronously: what is waited for is the event itself; the deadline only keeps a broken runtime from hanging the tests.

/**
 * How many times slower than usual the machine may be: every deadline is multiplied by it. An emulated virtual machine starts programs up to
 * 25 times slower than its host.
 */
export const patience = Number(process.env['CONFORMANCE_PATIENCE'] ?? '1');

const cell = new Int32Array(new SharedArrayBuffer(4));

/** Blocks this thread for some milliseconds. */
export function sleep(milliseconds: number): void {
  Atomics.wait(cell, 0, 0, milliseconds);
}

/** Calls `probe` until it returns something other than undefined or false, and returns that. Throws after so many milliseconds, times `patience`. */
export function waitFor<T>(what: string, probe: () => T | undefined | false, milliseconds = 10_000): T {
  const deadline = milliseconds * patience;
  const end = Date.now() + deadline;
  for (;;) {
    const value = probe();
    if (value !== undefined && value !== false) return value;
    if (Date.now() > end) throw new Error(`waited ${deadline} ms in vain for ${what}`);
    sleep(3);
  }
}
