// /dev: the devices and links that every container has (config-linux.md, "Default Devices"), and those of the config.

import { pointer } from '../../json-pointer.ts';
import { encodeDevice } from '../../linux/device-number.ts';
import { ERRNO } from '../../linux/errno.ts';
import {
  AT_FDCWD,
  O_CLOEXEC,
  O_NOFOLLOW,
  O_PATH,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
} from '../../linux/mount-constants.ts';
import { cleanPath } from '../../linux/paths.ts';
import type { Argument } from '../builder.ts';
import type { InitInputs, PreparedMount } from '../inputs.ts';
import type { Step } from '../plan.ts';
import { bindDevice } from './bound-device.ts';
import { attach, ensureDirectory, type StepContext } from './context.ts';
import { branchUnlessDevice, DEVICE_TYPES } from './device-type.ts';
import { hasOwnMounts } from './root.ts';

export interface DeviceNode {
  readonly path: string;
  readonly type: 'c' | 'b' | 'u' | 'p';
  readonly major: number;
  readonly minor: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

const character = (path: string, major: number, minor: number): DeviceNode => ({
  path,
  type: 'c',
  major,
  minor,
  mode: 0o666,
  uid: 0,
  gid: 0,
});

export const DEFAULT_DEVICES: readonly DeviceNode[] = [
  character('/dev/null', 1, 3),
  character('/dev/zero', 1, 5),
  character('/dev/full', 1, 7),
  character('/dev/random', 1, 8),
  character('/dev/urandom', 1, 9),
  character('/dev/tty', 5, 0),
];

const LINKS: readonly (readonly [string, string])[] = [
  ['fd', '/proc/self/fd'],
  ['stdin', '/proc/self/fd/0'],
  ['stdout', '/proc/self/fd/1'],
  ['stderr', '/proc/self/fd/2'],
];

/** The mounts that the container can see: one on the root covers all before it. */
function mountsInSight({ mounts }: InitInputs): readonly PreparedMount[] {
  const top = mounts.findLastIndex(({ destination }) => destination === '/');
  return top === -1 ? mounts : mounts.slice(top);
}

const BOUND: readonly PreparedMount['kind'][] = ['bind', 'hostBind', 'innerBind'];

/** A /dev that is bound from the host, or is the host's own, is left as it is. */
function ownsDev({ inputs }: StepContext): boolean {
  const mount = mountsInSight(inputs).findLast(({ destination }) => destination === '/dev');
  return mount === undefined ? inputs.root.path !== '/' : !BOUND.includes(mount.kind);
}

export function makeDevices(context: StepContext): void {
  if (!ownsDev(context)) return;
  const { plan, config, inputs } = context;
  plan.section('devices');
  const own: (readonly [DeviceNode, Step])[] = (config.linux?.devices ?? []).map((device, index) => [
    {
      path: cleanPath(device.path),
      type: device.type as DeviceNode['type'],
      major: device.major ?? 0,
      minor: device.minor ?? 0,
      mode: device.fileMode ?? 0o666,
      uid: device.uid ?? 0,
      gid: device.gid ?? 0,
    },
    { sentence: `make the device ${device.path}`, pointer: pointer('linux', 'devices', index) },
  ]);
  const named = new Set(own.map(([device]) => device.path));
  const defaults = DEFAULT_DEVICES.filter(({ path }) => !named.has(path));
  plan.withSlot((dev) => {
    const present = isEmptyDev(context) ? 1 : 0;
    plan.step({ sentence: 'open /dev' }, () => ensureDirectory(context, '/dev', dev, { present }));
    for (const device of defaults) {
      plan.step({ sentence: `make the device ${device.path}` }, () => makeNode(context, plan.slotRef(dev), device));
    }
    for (const [device, step] of own) {
      plan.step(step, () => {
        const slash = device.path.lastIndexOf('/');
        const parent = slash === 0 ? '/' : device.path.slice(0, slash);
        if (parent === '/dev') return makeNode(context, plan.slotRef(dev), device, step);
        plan.withSlot((directory) => {
          ensureDirectory(context, parent, directory);
          makeNode(context, plan.slotRef(directory), device, step);
        });
      });
    }
    makeLinks(context, plan.slotRef(dev), inputs.kcore);
  });
}

/** /dev is a tmpfs of this container's: nothing is in it but what its own mounts have put there. */
function isEmptyDev({ inputs }: StepContext): boolean {
  const mount = mountsInSight(inputs).findLast(({ destination }) => destination === '/dev');
  return mount?.kind === 'filesystem' && mount.type === 'tmpfs';
}

/** `own`: the config's step for the device; absent for those that every container has. */
function makeNode(context: StepContext, directory: Argument, device: DeviceNode, own?: Step): void {
  const { plan, inputs } = context;
  // The config has put something of its own there.
  if (mountsInSight(inputs).some(({ destination }) => destination === device.path)) return;
  const name = device.path.slice(device.path.lastIndexOf('/') + 1);
  const present = plan.label();
  const done = plan.label();
  const mode = DEVICE_TYPES[device.type] | (device.mode & 0o7777);
  const number = device.type === 'p' ? 0 : encodeDevice(device.major, device.minor);
  const modeText = `${{ c: 'S_IFCHR', u: 'S_IFCHR', b: 'S_IFBLK', p: 'S_IFIFO' }[device.type]}|0${(device.mode & 0o7777).toString(8)}`;
  // No device can be made in a user namespace: the host's own is bound instead, which has the owner and mode that it has there.
  if (inputs.userNamespace !== undefined && device.type !== 'p') {
    bindDevice(context, directory, name, device);
    return;
  }
  const args = [directory, name, plan.value(mode, modeText), plan.value(number, `${device.major}:${device.minor}`)];
  const alone = isEmptyDev(context) && device.path.startsWith('/dev/');
  plan.call('mknodat', args, alone ? {} : { on: { EEXIST: present } });
  if (device.uid !== 0 || device.gid !== 0) {
    plan.call('fchownat', [directory, name, device.uid, device.gid, plan.value(0x100, 'AT_SYMLINK_NOFOLLOW')]);
  }
  if (alone) return;
  plan.jump(done);
  plan.place(present);
  if (own !== undefined) {
    keepMatching(context, directory, name, device, own);
    plan.place(done);
    return;
  }
  if (!hasOwnMounts(inputs)) {
    // A mount would stay on the host: what is there is what the container gets.
    plan.place(done);
    return;
  }
  // The image has something of this name: whatever it is, the host's own device is put on it, and the image stays as it is.
  plan.withSlot((target) => {
    plan.withSlot((node) => {
      const noFollow = plan.value(O_PATH | O_NOFOLLOW | O_CLOEXEC, 'O_PATH|O_NOFOLLOW|O_CLOEXEC');
      plan.call('openat', [directory, name, noFollow, 0], { result: target });
      const clone = plan.value(OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC, 'OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC');
      plan.call('open_tree', [plan.value(AT_FDCWD, 'AT_FDCWD'), device.path, clone], { result: node });
      attach(plan, plan.slotRef(node), plan.slotRef(target));
    });
  });
  plan.place(done);
}

/** What is there already is the device, or an error (config-linux.md, "Devices"). */
function keepMatching({ plan }: StepContext, directory: Argument, name: string, device: DeviceNode, step: Step): void {
  const wrong = plan.label();
  const fine = plan.label();
  plan.withSlot((found) => {
    const noFollow = plan.value(O_PATH | O_NOFOLLOW | O_CLOEXEC, 'O_PATH|O_NOFOLLOW|O_CLOEXEC');
    plan.call('openat', [directory, name, noFollow, 0], { result: found });
    branchUnlessDevice(plan, found, device, wrong);
  });
  plan.jump(fine);
  plan.place(wrong);
  plan.step({ ...step, sentence: `${step.sentence}: the image has another file there` }, () => plan.fail(ERRNO.EEXIST));
  plan.place(fine);
}

function makeLinks({ plan }: StepContext, dev: Argument, kcore: boolean): void {
  const links = kcore ? [...LINKS, ['core', '/proc/kcore'] as const] : LINKS;
  for (const [name, to] of links) {
    plan.step({ sentence: `link /dev/${name} to ${to}` }, () => {
      const next = plan.label();
      plan.call('symlinkat', [to, dev, name], { on: { EEXIST: next } });
      plan.place(next);
    });
  }
  plan.step({ sentence: 'link /dev/ptmx to pts/ptmx' }, () => {
    const make = plan.label();
    plan.call('unlinkat', [dev, 'ptmx', 0], { on: { ENOENT: make } });
    plan.place(make);
    plan.call('symlinkat', ['pts/ptmx', dev, 'ptmx']);
  });
}
