// What the tests import.

export {
  cgroupCount,
  cgroupDirectory,
  cgroupVersion,
  needsControllers,
  needsV1,
  needsV2,
  readCgroup,
} from './cgroup.ts';
export { freezeFile, isV2, type Membership, makeCgroupsBelow, membershipsOf, memoryLimitFile } from './cgroups.ts';
export { type CheckOptions, check } from './check.ts';
export { type Config, type Hook, type HookKind, type Resources, withoutNamespace } from './config.ts';
export {
  type Container,
  type Edit,
  inMountNamespace,
  type Options,
  ok,
  ran,
  ranOrRefused,
  refused,
  type State,
  type Status,
} from './container.ts';
export { cgroupsOf, mountsOf, processesOf } from './leftovers.ts';
export { type MountEntry, mountAt, parseMountinfo } from './mountinfo.ts';
export { addFile } from './rootfs.ts';
export {
  byPathOnly,
  cgroupName,
  invokeTogether,
  type Result,
  runtimeFlags,
  runtimeKind,
  runtimePath,
} from './runtime.ts';
export { type Sandbox, writeIn } from './sandbox.ts';
export {
  addedProgram,
  contextOf,
  hasAppArmor,
  hasSelinux,
  lastingIn,
  loadProfile,
  needsAppArmor,
  needsPolicy,
  profileOf,
  startedProgram,
  withDomain,
} from './security-modules.ts';
export {
  listenForDescriptor,
  listenForNotes,
  openPseudoTerminal,
  readTerminal,
  sendNote,
  startScript,
  waitForInput,
  windowSize,
} from './terminal.ts';
export { patience, sleep, waitFor } from './wait.ts';
