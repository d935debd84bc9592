// Waiting for an event, synchronously: what is waited for is the event itself; the deadline only keeps a broken runtime from hanging the tests.

const cell = new Int32Array(new SharedArrayBuffer(4));

/** Blocks this thread for some milliseconds. */
export function sleep(milliseconds: number): void {
  Atomics.wait(cell, 0, 0, milliseconds);
}

/** Calls `probe` until it returns something other than undefined or false, and returns that. Throws after the deadline (milliseconds). */
export function waitFor<T>(what: string, probe: () => T | undefined | false, deadline = 10_000): T {
  const end = Date.now() + deadline;
  for (;;) {
    const value = probe();
    if (value !== undefined && value !== false) return value;
    if (Date.now() > end) throw new Error(`waited ${deadline} ms in vain for ${what}`);
    sleep(3);
  }
}
