// What strace(1) writes, as calls.

/** One system call of one process. */
export interface TracedCall {
  readonly pid: number;
  readonly name: string;
  /** As strace shows them, at the top level: `8`, `"proc"`, `{flags=0x80000}`. */
  readonly args: readonly string[];
  /** What it returned; absent where it did not. */
  readonly result?: bigint;
  /** `ENOENT`; absent where it succeeded. */
  readonly error?: string;
}

/**
 * The calls of a trace that was written by `strace -f -X raw -o FILE`, in the order in which they began. A call that the kernel had to begin
 * again after a signal or a stop counts once.
 */
export function tracedCalls(lines: readonly string[]): TracedCall[] {
  const begun: { pid: number; text: string }[] = [];
  const open = new Map<number, { pid: number; text: string }>();
  for (const line of lines) {
    const [, pidText, text = ''] = /^(\d+)\s+(.*)$/s.exec(line) ?? [];
    if (pidText === undefined) continue;
    const pid = Number(pidText);
    const resumed = /^<\.\.\. \w+ resumed>\s?(.*)$/s.exec(text)?.[1];
    if (resumed !== undefined) {
      const call = open.get(pid);
      if (call !== undefined) call.text += resumed;
      open.delete(pid);
      continue;
    }
    const call = { pid, text: text.replace(/\s*<unfinished \.\.\.>$/, '') };
    if (call.text !== text) open.set(pid, call);
    begun.push(call);
  }
  return begun.flatMap(({ pid, text }) => {
    const call = parsed(pid, text);
    return call === undefined || /^(?:EINTR|ERESTART)/.test(call.error ?? '') ? [] : [call];
  });
}

function parsed(pid: number, text: string): TracedCall | undefined {
  const [, name, rest = ''] = /^(\w+)\((.*)$/s.exec(text) ?? [];
  if (name === undefined) return undefined;
  const { args, after } = split(rest);
  const [, result, error] = /^\s*=\s*(-?(?:0x[0-9a-f]+|\d+))(?:\s+(E[A-Z0-9_]+))?/.exec(after) ?? [];
  return {
    pid,
    name,
    args,
    ...(result === undefined ? {} : { result: BigInt(result) }),
    ...(error === undefined ? {} : { error }),
  };
}

/** The arguments up to the bracket that closes the call, and what is behind it. */
function split(text: string): { readonly args: readonly string[]; readonly after: string } {
  const args: string[] = [];
  let from = 0;
  let depth = 0;
  let isQuoted = false;
  for (let at = 0; at < text.length; at++) {
    const letter = text[at] ?? '';
    if (isQuoted) {
      if (letter === '\\') at += 1;
      else if (letter === '"') isQuoted = false;
    } else if (letter === '"') isQuoted = true;
    else if ('([{'.includes(letter)) depth += 1;
    else if (depth > 0 && ')]}'.includes(letter)) depth -= 1;
    else if (depth === 0 && (letter === ',' || letter === ')')) {
      const argument = text.slice(from, at).trim();
      if (argument !== '') args.push(argument);
      from = at + 1;
      if (letter === ')') return { args, after: text.slice(at + 1) };
    }
  }
  return { args, after: '' };
}
