// Lists of processors and memory nodes as in cpuset(7), "Formats": `0-3,7`.

/** The numbers that the list names, each once, in order; undefined for what is no list, or names a number from `limit` on. */
export function parseNumberList(list: string, limit: number): readonly number[] | undefined {
  const numbers = new Set<number>();
  for (const part of list.split(',')) {
    const match = /^\s*(\d+)(?:-(\d+))?\s*$/.exec(part);
    const first = Number(match?.[1]);
    const last = Number(match?.[2] ?? match?.[1]);
    if (match === null || last < first || last >= limit) return undefined;
    for (let number = first; number <= last; number++) numbers.add(number);
  }
  return [...numbers].sort((a, b) => a - b);
}

/** `0x3` for the bits 0 and 1. */
export function maskText(mask: Uint8Array): string {
  return `0x${BigInt(`0x${Buffer.from(mask).reverse().toString('hex')}`).toString(16)}`;
}

/** A bit for each number, in whole 64-bit words, least significant byte first: a cpu_set_t, a nodemask. */
export function bitMask(numbers: readonly number[]): Uint8Array {
  const mask = new Uint8Array(Math.ceil((Math.max(...numbers) + 1) / 64) * 8);
  for (const number of numbers) mask[number >> 3] = (mask[number >> 3] ?? 0) | (1 << (number & 7));
  return mask;
}
