import { fail } from '../../error.ts';
import { CAPABILITIES } from '../../linux/capabilities.ts';
import { MEMORY_POLICY_FLAGS, MEMORY_POLICY_MODES } from '../../linux/memory-policy.ts';
import { knownMountOptions } from '../../linux/mount-options.ts';
import { NAMESPACES, type NamespaceType } from '../../linux/namespaces.ts';
import { ACTIONS, FILTERED_ARCHITECTURES, FLAGS, OPERATORS } from '../../seccomp/names.ts';
import type {
  Features,
  MemoryPolicyFlag,
  MemoryPolicyMode,
  SeccompAction,
  SeccompFlag,
} from '../../spec/generated/types.ts';
import { print } from '../output.ts';
import type { Invocation } from '../table.ts';
import { COMMIT, SPEC_VERSION, VERSION } from '../version.ts';

/**
 * What this version implements (features.md). Of the program, not of the host: the same everywhere. The lists are those
 * that the compiler of plans works with.
 */
export function featuresDocument(): Features {
  return {
    ociVersionMin: '1.0.0',
    ociVersionMax: SPEC_VERSION,
    hooks: ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'],
    mountOptions: [...knownMountOptions()].sort(),
    linux: {
      namespaces: (Object.keys(NAMESPACES) as NamespaceType[]).sort(),
      capabilities: [...CAPABILITIES],
      cgroup: { v1: true, v2: true, systemd: true, systemdUser: true, rdma: true },
      seccomp: {
        enabled: true,
        actions: (Object.keys(ACTIONS) as SeccompAction[]).sort(),
        operators: [...OPERATORS].sort(),
        archs: [...FILTERED_ARCHITECTURES].sort(),
        knownFlags: Object.keys(FLAGS) as SeccompFlag[],
        supportedFlags: Object.keys(FLAGS) as SeccompFlag[],
      },
      apparmor: { enabled: true },
      selinux: { enabled: true },
      memoryPolicy: {
        modes: (Object.keys(MEMORY_POLICY_MODES) as MemoryPolicyMode[]).sort(),
        flags: (Object.keys(MEMORY_POLICY_FLAGS) as MemoryPolicyFlag[]).sort(),
      },
      intelRdt: { enabled: true, schemata: true, monitoring: true },
      mountExtensions: { idmap: { enabled: true } },
      netDevices: { enabled: true },
    },
    annotations: { 'runt.version': VERSION, 'runt.commit': COMMIT },
    // A name that ends with a full stop stands for all that begin with it (features.md).
    potentiallyUnsafeConfigAnnotations: ['org.systemd.property.'],
  };
}

/** With --why: what this host can't do, and what is missing for it. That looks at the host, and changes nothing. */
export async function features({ options }: Invocation): Promise<number> {
  if (!options.flag('why')) {
    if (options.given('format')) {
      fail({ code: 'usage', message: '--format goes with --why: the document of features is JSON in any case' });
    }
    print(`${JSON.stringify(featuresDocument(), null, 4)}\n`);
    return 0;
  }
  const { lookAtHost } = await import('../../container/host/look.ts');
  const { reportOn, reportText } = await import('../../container/host/report.ts');
  const report = reportOn(lookAtHost());
  print(options.text('format') === 'json' ? `${JSON.stringify(report, null, 2)}\n` : reportText(report));
  return 0;
}
