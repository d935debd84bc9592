// A container that is being created, as the parts of a create hand it on.

import type { DevicePolicy } from '../cgroup/device-rules.ts';
import type { CgroupRecord } from '../cgroup/record.ts';
import type { LoadedConfig } from '../spec/load.ts';
import type { LimitTools } from './cgroups.ts';
import type { CreateOptions } from './create.ts';
import type { Descriptors } from './descriptors.ts';
import type { OpenExtras } from './extras.ts';
import type { Parts } from './parts.ts';
import type { ContainerRecord } from './store.ts';
import type { Progress } from './undo.ts';

type Limits = ReturnType<NonNullable<LimitTools>['planLimits']>;

export interface Controls {
  readonly cgroups: CgroupRecord;
  readonly policy: DevicePolicy;
  readonly limits: Limits | undefined;
  /** Limits that can be set only when the launcher has ended: with systemd it is in the scope, too. */
  readonly later: Limits['writes'];
}

export interface Construction {
  readonly options: CreateOptions;
  readonly loaded: LoadedConfig;
  readonly descriptors: Descriptors;
  readonly progress: Progress;
  readonly opened: OpenExtras | undefined;
  readonly parts: Parts;
}

/** From when the container has its control groups, or systemd is to make them: then they are undone with the rest. */
export interface Making extends Construction {
  readonly controls: Controls;
  /** What is known of it so far; `keep` changes it. */
  record: ContainerRecord;
}

export function keep(making: Making, change: Partial<ContainerRecord>): void {
  making.record = { ...making.record, ...change };
  making.progress.record = making.record;
}
