// Names of kernel parameters: sysctl(8), sysctl.d(5).

/**
 * The parts of a parameter's path below /proc/sys. As sysctl(8) has it, the first separator decides: after a dot, dots
 * separate and a slash stands for a dot in a part (`net.ipv4.conf.eth0/100.forwarding`); after a slash it is the other way round.
 * undefined: a name that leads astray, or that is none.
 */
export function sysctlPath(name: string): readonly string[] | undefined {
  const separator = /[./]/.exec(name)?.[0];
  if (separator === undefined) return undefined;
  const other = separator === '.' ? '/' : '.';
  const parts = name.split(separator).map((part) => (separator === '.' ? part.replaceAll(other, '.') : part));
  const sound = parts.every((part) => /^[A-Za-z0-9_@:.-]+$/.test(part) && part !== '.' && part !== '..');
  return sound ? parts : undefined;
}
