// Hooks.

import { pointer } from '../../json-pointer.ts';
import { show, specLink } from '../findings.ts';
import type { Rule } from './rule.ts';

export const hookRules: readonly Rule[] = [
  {
    name: 'hook-paths',
    reads: ['/hooks'],
    spec: specLink('config.md#posix-platform-hooks'),
    check: ({ hooks = {} }, report) => {
      for (const [kind, list] of Object.entries(hooks)) {
        if (!HOOK_KINDS.has(kind)) continue;
        list.forEach((hook: { readonly path: string }, index: number) => {
          if (hook.path.startsWith('/')) return;
          report({
            pointer: pointer('hooks', kind, index, 'path'),
            message: `the path of a hook is absolute; found ${show(hook.path)}`,
          });
        });
      }
    },
  },
];

/** Others are unknown properties, which are ignored. */
const HOOK_KINDS: ReadonlySet<string> = new Set([
  'prestart',
  'createRuntime',
  'createContainer',
  'startContainer',
  'poststart',
  'poststop',
]);
