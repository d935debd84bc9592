// Waiting for an event without holding up the other scenarios.

import { setTimeout as sleep } from 'node:timers/promises';

/** Calls `probe` until it gives something other than undefined or false. Throws after the deadline (milliseconds); what `probe` throws ends the wait. */
export async function waitFor<T>(
  what: string,
  probe: () => T | undefined | false | Promise<T | undefined | false>,
  deadline = 60_000,
): Promise<T> {
  const end = Date.now() + deadline;
  for (let pause = 10; ; pause = Math.min(pause * 2, 100)) {
    const value = await probe();
    if (value !== undefined && value !== false) return value;
    if (Date.now() > end) throw new Error(`waited ${deadline / 1000} s in vain for ${what}`);
    await sleep(pause);
  }
}
