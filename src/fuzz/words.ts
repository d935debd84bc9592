// Words for the strings of a config, with a liking for those that somebody has stumbled over.

import { CAPABILITIES } from '../linux/capabilities.ts';
import { knownMountOptions } from '../linux/mount-options.ts';
import { RLIMITS } from '../linux/rlimits.ts';
import { SYSCALL_NUMBERS } from '../linux/syscall-numbers.ts';

// biome-ignore format: a list of words
const PATHS = [
  '/', '//', '', '.', '..', '/.', '/..', '/a/../..', '/a//b/', 'relative/path', '/proc', '/proc/', '/proc/sys',
  '/proc/self/fd/3', '/proc/self/exe', '/sys', '/sys/fs/cgroup', '/dev', '/dev/null', '/dev/pts', '/dev/console',
  '/dev/shm', '/etc/passwd', '/usr', '/tmp', '/a b', '/a\nb', '/ä', '/a\\b', '/a,b', '/a"b', `/${'a'.repeat(255)}`,
  `/${'a'.repeat(256)}`, '/a'.repeat(2050), '/a\0b', '/proc/1/ns/net', '/proc/self/ns/user', '/nowhere/at/all',
  'a:b:c', 'system.slice:runt:x', '::',
];
// biome-ignore format: a list of words
const NAMES = [
  '', 'a', '0', '-1', '__proto__', 'constructor', 'toString', 'hasOwnProperty', 'a b', 'a\nb', 'a\0b', '\ud800', 'ä',
];
// biome-ignore format: a list of words
export const TEXTS = [
  ...NAMES, ...PATHS.slice(0, 12), 'x'.repeat(70_000), 'A=b', '=', 'HOME=/x', 'HOME=', 'PATH=', 'PATH=:/bin:rel',
  'TERM=xterm',
];
// biome-ignore format: a list of words
const SYSCTLS = [
  'net.ipv4.ip_forward', 'net/ipv4/conf/eth0.1/forwarding', 'kernel.msgmax', 'kernel.shm_rmid_forced',
  'fs.mqueue.msg_max', 'kernel.domainname', 'kernel.hostname', 'kernel.core_pattern', 'user.max_user_namespaces',
  'net..x', 'net/../kernel/core_pattern', '.', '/',
];
// biome-ignore format: a list of words
const UNIFIED = [
  'memory.high', 'memory.max', 'cpu.weight', 'pids.max', 'io.max', '../x', 'cgroup.procs', 'a/b', 'memory', '.',
  'hugetlb.2MB.max',
];
// biome-ignore format: a list of words
const ANNOTATIONS = [
  'org.systemd.property.', 'org.systemd.property.X', 'org.systemd.property.TimeoutStopSec',
  'org.systemd.property.CollectMode', 'org.systemd.property.After', 'org.systemd.property.Slice', 'run.oci.handler',
  '',
];
// biome-ignore format: a list of words
const VARIANTS = [
  "'text'", 'uint64 5', 'true', "['a', 'b']", '[', "'", 'uint64 99999999999999999999', '1.5', '-1', 'int32 4',
  "b'x'", '@as []', '{}', '<1>', "'\\u0041'",
];
// biome-ignore format: a list of words
const CPUS = [
  '', '0', '0-1', '0-7,9', '1,', '-1', '5-2', '0-4294967296', '0x1', ' 0', '0-1023', '8191', '8192', '99999999999',
  '0\n',
];
const DEVICE_TYPES = ['a', 'b', 'c', 'u', 'p', '', 'ab'];
const ACCESS = ['r', 'w', 'm', 'rw', 'rwm', 'mwr', '', 'x', 'rr'];
const SIZES = ['2MB', '1GB', '64KB', '', '2mb', '2M', '../x', '16777216TB'];
// biome-ignore format: a list of words
const MOUNT_TYPES = [
  '', 'bind', 'none', 'tmpfs', 'proc', 'sysfs', 'cgroup', 'cgroup2', 'devpts', 'mqueue', 'overlay', 'ext4', 'a\0b',
  'x'.repeat(5000),
];
// biome-ignore format: a list of words
const OPTIONS = [
  ...knownMountOptions(), 'idmap', 'ridmap', 'size=64k', 'size=', '=x', 'mode=1777', 'mode=9', 'uid=5', 'x-y', 'a,b',
  'lowerdir=/a:/b', 'newinstance', 'ptmxmode=0666', 'hidepid=2', 'context=a:b', 'remount', ...NAMES,
];
// biome-ignore format: a list of words
const SYSCALLS = [
  ...Object.keys(SYSCALL_NUMBERS.x64), 'socketcall', 'ipc', 'socket', 'semop', 'arch_prctl', 'no_such_call',
  'clone3', 'write', 'execve', 'exit_group',
];

/** Words for the strings at the places whose pattern matches, first come first served. */
const WORDS: readonly (readonly [RegExp, readonly string[]])[] = [
  [/^\/mounts\/\*\/options\/\*$/, OPTIONS],
  [/^\/mounts\/\*\/type$/, MOUNT_TYPES],
  [/\/syscalls\/\*\/names\/\*$/, SYSCALLS],
  [/\/capabilities\/\w+\/\*$/, [...CAPABILITIES, 'CAP_ALL', ...NAMES]],
  [/\/rlimits\/\*\/type$/, [...Object.keys(RLIMITS), ...NAMES]],
  [/devices\/\*\/type$/, DEVICE_TYPES],
  [/\/access$/, ACCESS],
  [/memBwSchema$/, ['MB:0=50', 'MB:', 'MB:a\nb', 'L3:0=f']],
  [/\/pageSize$/, SIZES],
  [/\/(?:cpus|mems|nodes|initial|final)$/, CPUS],
  [/^\/ociVersion$/, ['1.0.0', '1.3.0', '1.2', '2.0.0', '1.3.0-rc.1+x', '0.1.0', '1.99.0', '']],
  [/^\/annotations\/\*$/, VARIANTS],
  [/^\/(?:host|domain)name$/, ['box', '', 'x'.repeat(64), 'x'.repeat(65), 'ä'.repeat(33), 'a\nb']],
  [/path$|Path$|Paths\/\*$|destination|source|cwd|args\/\*$/i, PATHS],
];
/** Names for what is in the maps. */
const KEYS: readonly (readonly [RegExp, readonly string[]])[] = [
  [/^\/linux\/sysctl$/, SYSCTLS],
  [/\/unified$/, UNIFIED],
  [/^\/annotations$/, ANNOTATIONS],
];

function choose(list: readonly (readonly [RegExp, readonly string[]])[], pattern: string): readonly string[] {
  return list.find(([where]) => where.test(pattern))?.[1] ?? [];
}

/** Words for a string at the pattern; none where any will do. */
export function wordsOf(pattern: string): readonly string[] {
  return choose(WORDS, pattern);
}

/** The names that a mutation may give to an entry of the map at the pattern. */
export function keysOf(pattern: string): readonly string[] {
  return [...choose(KEYS, pattern), ...NAMES, ...PATHS.slice(0, 4)];
}

/** A word that the schema and the rules have nothing against. */
export function wordFor(pattern: string): string {
  if (pattern.endsWith('/type')) return /rlimits/.test(pattern) ? 'RLIMIT_CORE' : 'c';
  return choose(WORDS, pattern) === PATHS ? '/a' : '';
}
