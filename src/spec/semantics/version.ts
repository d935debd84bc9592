// ociVersion: which specification a config follows.

import { show, specLink } from '../findings.ts';
import type { Rule } from './rule.ts';

/** Semantic Versioning 2.0.0: three numbers without leading zeros, then optional pre-release and build parts. */
const SEMVER =
  /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-(?:0|[1-9]\d*|\d*[a-zA-Z-][\da-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][\da-zA-Z-]*))*)?(?:\+[\da-zA-Z-]+(?:\.[\da-zA-Z-]+)*)?$/;

const MAJOR = 1;
const NEWEST_MINOR = 3;

export const versionRules: readonly Rule[] = [
  {
    name: 'version',
    reads: ['/ociVersion'],
    spec: specLink('config.md#specification-version'),
    check: (config, report) => {
      const found = SEMVER.exec(config.ociVersion);
      const pointer = '/ociVersion';
      if (found === null) {
        report({ pointer, message: `${show(config.ociVersion)} is no semantic version`, hint: 'write it like 1.3.0' });
        return;
      }
      const [major, minor] = [Number(found[1]), Number(found[2])];
      if (major > MAJOR) {
        const message = `version ${config.ociVersion} of the specification is not supported: runt knows 1.0.0 to 1.3`;
        report({ pointer, message });
      } else if (major < MAJOR) {
        // Drafts promised nothing, but what is left of them fits the schema.
        const message = `${config.ociVersion} is a draft of the specification; it is read as version 1`;
        report({ pointer, severity: 'warning', message });
      } else if (minor > NEWEST_MINOR) {
        const message = `version ${config.ociVersion} of the specification is newer than 1.3, which runt knows; what it added is ignored`;
        report({ pointer, severity: 'warning', message });
      }
    },
  },
];
