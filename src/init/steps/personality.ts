// As which kind of Linux the kernel shows itself to the program: personality(2). execve keeps it, and children inherit it.

import type { ProcessContext } from './context.ts';

/** PER_LINUX and PER_LINUX32 of linux/personality.h. */
const DOMAINS = { LINUX: 0, LINUX32: 8 } as const;

/** Before a seccomp filter that may refuse it: many profiles let a program ask only for what it already has. */
export function setPersonality({ plan, config }: ProcessContext): void {
  const domain = config.linux?.personality?.domain;
  if (domain === undefined) return;
  const step = {
    sentence: `show the program a kernel of the kind ${domain}`,
    pointer: '/linux/personality',
    hint: 'EINVAL: processors without a 32-bit mode have no LINUX32',
  };
  plan.step(step, () => plan.call('personality', [plan.value(DOMAINS[domain], `PER_${domain}`)]));
}
