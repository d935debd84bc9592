// A bundle that was just run for the second time becomes a front of its own (front/bundle/): all that was looked up and decided for this container, as
// facts to hold against the host and steps to carry out for the next.

import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { compileDeviceFilter } from '../cgroup/device-filter.ts';
import type { DevicePolicy } from '../cgroup/device-rules.ts';
import { ruleWrites } from '../cgroup/devices.ts';
import { freezerOf } from '../cgroup/freezer.ts';
import { type CgroupEntry, ownDirectories } from '../cgroup/record.ts';
import { directoryOf } from '../cgroup/resources/apply.ts';
import type { ResourceWrite } from '../cgroup/resources/write.ts';
import {
  BOOT_FILE,
  type Bundle,
  type BundleCgroup,
  ID_ROOM,
  NUMBER,
  type Template,
  type Value,
} from '../front/bundle/description.ts';
import { SIZE_AT } from '../front/bundle/names.ts';
import { bundlePlan } from '../front/bundle/plan.ts';
import { recordBytes } from '../front/bundle/record.ts';
import { major, minor } from '../front/record.ts';
import { compileInit } from '../init/compile.ts';
import { lacksHome } from '../init/environment.ts';
import { encodeImage } from '../init/image.ts';
import type { InitInputs } from '../init/inputs.ts';
import { takesModeOfDirectory } from '../init/steps/tmpfs-mode.ts';
import { cleanPath, resolvePath, stripRoot } from '../linux/paths.ts';
import type { Config } from '../spec/generated/types.ts';
import { cgroupOwner } from './cgroups.ts';
import type { Constructed } from './construct.ts';
import { frontFlags, traitsOf } from './front-record.ts';
import { isCovered, plainPlace } from './mount-point.ts';
import { findHome } from './plain-home.ts';
import { startSteps } from './start-steps.ts';
import type { ContainerRecord } from './store.ts';

const ARCHITECTURE = process.arch === 'arm64' ? 'arm64' : 'x64';
/** What is larger is run by an engine each time: it would stay in memory, where the state lies. */
const LARGEST_CONFIG = 256 * 1024;
const NAMESPACES = ['user', 'mnt', 'pid', 'cgroup'];

/** The front's executable; undefined where something can't be told in its terms. Throws what node:fs throws. */
export function prepareBundle(constructed: Constructed): Uint8Array | undefined {
  const { making, inputs } = constructed;
  const { options, loaded } = making;
  const { config } = loaded;
  if (loaded.text.length > LARGEST_CONFIG) return undefined;
  // In place of the id: nobody can have written it into the config.
  const mark = randomBytes(ID_ROOM)
    .toString('hex')
    .slice(0, ID_ROOM - 1);
  const cgroups = cgroupsOf(constructed);
  const mountPoints = mountPointsOf(constructed);
  const [memoryDevice] = (making.record.init?.image ?? '').split(':');
  if (cgroups === undefined || mountPoints === undefined || memoryDevice === undefined) return undefined;
  if (inputs.namespaces.joined.length > 0 || inputs.root.parentMount !== undefined) return undefined;
  if (resolvePath(options.bundle, config.root?.path ?? '') !== inputs.root.path) return undefined;
  const home = lacksHome(config.process?.env) ? findHome(inputs.root.path, config.process?.user?.uid ?? 0) : undefined;
  if (home === 'unclear' || home === 'young') return undefined;
  if (home !== undefined && mountPoints.some(({ path }) => path === '/etc' || path === '/etc/passwd' || path === '/'))
    return undefined;
  const plan = compileInit(inputsFor(inputs, options.id, mark, home?.path));
  making.parts.filtering?.check(plan);
  const image = encodeImage(plan, ARCHITECTURE);
  const idsInImage = clearMarks(image, mark);
  if (idsInImage === undefined) return undefined;
  const record: ContainerRecord = { ...making.record, startSteps: startSteps(plan) };
  const device = BigInt(memoryDevice);
  const bundle: Bundle = {
    directory: options.bundle,
    config: Buffer.from(loaded.text),
    boot: readFileSync(BOOT_FILE),
    namespaces: NAMESPACES.map((name) => `/proc/self/ns/${name}`).map((path) => ({ path, inode: statSync(path).ino })),
    memberships: readFileSync('/proc/self/cgroup'),
    kcore: inputs.kcore,
    root: inputs.root.path,
    mountPoints,
    sources: inputs.mounts.flatMap((mount) =>
      mount.kind === 'hostBind' ? [{ path: mount.source, isDirectory: mount.isDirectory }] : [],
    ),
    ...(home === undefined ? {} : { passwd: home.passwd }),
    cgroups,
    image,
    idsInImage,
    memoryDevice: { major: major(device), minor: minor(device) },
    begun: templateOf(begun(record), endsWithId(config), mark, options.id),
    created: templateOf(record, endsWithId(config), mark, options.id),
    flags: frontFlags(traitsOf(record)),
    now: Date.now(),
  };
  if (recordBytes(bundle) === undefined) return undefined;
  const bytes = encodeImage(bundlePlan(bundle), ARCHITECTURE);
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).writeUInt32LE(bytes.length, SIZE_AT);
  return bytes;
}

/** With descriptors under fixed numbers, whatever the caller's streams and limits are. */
function inputsFor(inputs: InitInputs, id: string, mark: string, home: string | undefined): InitInputs {
  const ends = endsWithId(inputs.config);
  const { caller: _, home: __, ...others } = inputs;
  const numbered = <Of extends { readonly text: string }>(of: Of, fd: number): Of & { readonly fd: number } => ({
    ...of,
    fd,
  });
  const { entries, directory } = inputs.cgroups;
  return {
    ...others,
    id: mark,
    channel: numbered(inputs.channel, NUMBER.channel),
    start: {
      order: numbered(inputs.start.order, NUMBER.order),
      answer: numbered(inputs.start.answer, NUMBER.answer),
    },
    root: { ...inputs.root, tree: numbered(inputs.root.tree, NUMBER.root) },
    mounts: inputs.mounts.map((mount) => {
      if (mount.kind !== 'cgroup1') return mount;
      const hierarchies = mount.hierarchies.map(({ name, path }) => ({
        name,
        path: ends ? withMark(path, id, mark) : path,
      }));
      return { ...mount, hierarchies };
    }),
    cgroups: {
      entries: entries.map((entry, index) => ({ ...entry, file: numbered(entry.file, NUMBER.cgroups + index) })),
      ...(directory === undefined ? {} : { directory: numbered(directory, NUMBER.cgroups + entries.length) }),
    },
    streamsToGive: 'others',
    ...(home === undefined ? {} : { home }),
  };
}

/** The paths of the container's cgroups: where the config names none, or an empty one. Else they are the config's, whatever they look like. */
function endsWithId({ linux }: Config): boolean {
  return (linux?.cgroupsPath ?? '') === '';
}

function withMark(path: string, id: string, mark: string): string {
  return path.slice(0, -id.length) + mark;
}

/** Offsets of the marks in the image, which gets NULs there; undefined where one is not the end of a string. */
function clearMarks(image: Uint8Array, mark: string): number[] | undefined {
  const bytes = Buffer.from(image.buffer, image.byteOffset, image.length);
  const found: number[] = [];
  for (let at = bytes.indexOf(mark); at >= 0; at = bytes.indexOf(mark, at)) {
    if (bytes[at + mark.length] !== 0) return undefined;
    bytes.fill(0, at, at + mark.length);
    found.push(at);
  }
  return found;
}

/** Those of v1 first, in the order in which the launcher enters them, then that of v2. */
function inOrder(cgroups: readonly CgroupEntry[]): readonly CgroupEntry[] {
  const of = (wanted: 1 | 2) => cgroups.filter(({ version }) => version === wanted);
  return [...of(1), ...of(2)];
}

function cgroupsOf({ making }: Constructed): readonly BundleCgroup[] | undefined {
  const { options, loaded, controls, parts } = making;
  const { mode } = parts.cgroupHost;
  if (mode === 'v2' && cgroupOwner(loaded.config) !== undefined) return undefined;
  const { cgroups } = making.record.cgroups;
  const entries = inOrder(cgroups);
  const freezer = freezerOf(making.record.cgroups);
  const hasDevices = entries.some((entry) => entry.version === 1 && controllersOf(entry).includes('devices'));
  const writes = new Map<string, { file: string; values: string[] }[]>();
  for (const write of controls.limits?.writes ?? []) {
    const path = directoryOf(write, cgroups);
    const file = fileOf(write, path);
    if (file !== undefined) writes.set(path, [...(writes.get(path) ?? []), file]);
  }
  const found: BundleCgroup[] = [];
  for (const entry of entries) {
    const { version, path } = entry;
    // One directory, in one that is there: its own.
    const [own, ...more] = ownDirectories(entry);
    if (own !== path || more.length > 0) return undefined;
    const ends = endsWithId(loaded.config);
    if (ends && !path.endsWith(`/${options.id}`)) return undefined;
    found.push({
      version,
      path: ends ? withMark(path, options.id, '') : path,
      endsWithId: ends,
      freezes: entry === freezer,
      expected: expectedOf(entry, mode),
      inherited: inheritedOf(entry),
      writes: [...(writes.get(path) ?? []), ...(version === 1 ? deviceWrites(entry, controls.policy) : [])],
      ...(version === 2 && !hasDevices ? { deviceFilter: compileDeviceFilter(controls.policy) } : {}),
    });
  }
  return found;
}

function controllersOf({ controllers }: CgroupEntry): string[] {
  return controllers.split(',');
}

/** That it is not frozen; on a host with v2 alone also what could not be had for it. */
function expectedOf(entry: CgroupEntry, mode: 'v1' | 'hybrid' | 'v2'): BundleCgroup['expected'] {
  if (entry.version === 1)
    return controllersOf(entry).includes('freezer') ? [{ file: 'freezer.state', text: 'THAWED\n' }] : [];
  const thawed = { file: 'cgroup.events', text: 'populated 0\nfrozen 0\n' };
  if (mode !== 'v2') return [thawed];
  const same = (file: string) => ({ file, text: readFileSync(`${entry.path}/${file}`, 'utf8') });
  return [thawed, same('cgroup.type'), same('cgroup.controllers')];
}

function inheritedOf(entry: CgroupEntry): BundleCgroup['inherited'] {
  if (entry.version === 2 || !controllersOf(entry).includes('cpuset')) return [];
  return ['cpuset.cpus', 'cpuset.mems'].map((file) => ({ from: `${entry.existing}/${file}`, file }));
}

function deviceWrites(entry: CgroupEntry, policy: DevicePolicy): BundleCgroup['writes'] {
  if (!controllersOf(entry).includes('devices')) return [];
  return ruleWrites(policy).map(({ file, rules }) => ({ file, values: rules }));
}

/** Of the file that is there. undefined: it need not be. What the kernel has checked for this container holds for the next. */
function fileOf(write: ResourceWrite, directory: string): { file: string; values: string[] } | undefined {
  const { otherwise } = write;
  const { file, value } = otherwise !== undefined && !existsSync(`${directory}/${write.file}`) ? otherwise : write;
  return existsSync(`${directory}/${file}`) ? { file, values: [value] } : undefined;
}

/** undefined where the image has a link on the way to one, or something else is to be looked at each time. */
function mountPointsOf({ making, inputs }: Constructed): Bundle['mountPoints'] | undefined {
  const { config } = making.loaded;
  const found: { path: string; exists: boolean }[] = [];
  for (const [index, mount] of inputs.mounts.entries()) {
    const { destination, kind } = mount;
    if (kind === 'bind' || kind === 'innerBind' || kind === 'copyUp' || mount.idMap !== undefined) return undefined;
    const { destination: given = '', options = [] } = config.mounts?.[index] ?? {};
    const looks = kind === 'filesystem' && takesModeOfDirectory(mount.type, options);
    if (looks && !isCovered(destination, inputs.mounts.slice(0, index))) return undefined;
    if (stripRoot(inputs.root.path, cleanPath(given)) !== destination || destination === '/') return undefined;
    const place = plainPlace(inputs.root.path, destination);
    if (place === 'unclear') return undefined;
    found.push({ path: destination, exists: place === 'there' });
  }
  return found;
}

/** As container/first-record.ts has it. */
function begun(record: ContainerRecord): ContainerRecord {
  const { init: _, ...others } = record;
  const cgroups = record.cgroups.cgroups.map(({ inode: _, ...entry }) => entry);
  return { ...others, ready: false, startSteps: [], cgroups: { cgroups } };
}

/** The record with values for what will be another's. */
function templateOf(record: ContainerRecord, ends: boolean, mark: string, id: string): Template {
  const text = (value: Value): string => `${mark}.${value};`;
  // A number: its quotes go.
  const number = (value: Value): number => `${mark}#${value};` as unknown as number;
  const entries = inOrder(record.cgroups.cgroups);
  const { init } = record;
  const device = init?.image.split(':')[0] ?? '';
  const marked = JSON.stringify({
    ...record,
    id: text('id'),
    created: text('created'),
    creator: { pid: number('creator'), startTime: number('creatorTime') },
    ...(init === undefined
      ? {}
      : { init: { pid: number('pid'), startTime: number('startTime'), image: `${device}:${text('image')}` } }),
    cgroups: {
      cgroups: record.cgroups.cgroups.map((entry) => ({
        ...entry,
        path: ends ? withMark(entry.path, id, text('id')) : entry.path,
        ...(entry.inode === undefined ? {} : { inode: number(`inode${entries.indexOf(entry)}`) }),
      })),
    },
  });
  const parts: (string | { value: Value })[] = [];
  let from = 0;
  // The mark of the init's plan stands in steps that tell the id.
  for (const match of marked.matchAll(new RegExp(`"${mark}#(\\w+);"|${mark}\\.(\\w+);|${mark}`, 'g'))) {
    parts.push(marked.slice(from, match.index), { value: (match[1] ?? match[2] ?? 'id') as Value });
    from = match.index + match[0].length;
  }
  return [...parts, marked.slice(from)];
}
