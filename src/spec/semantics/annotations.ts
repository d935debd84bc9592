// Annotations.

import { specLink } from '../findings.ts';
import type { Rule } from './rule.ts';

export const annotationRules: readonly Rule[] = [
  {
    name: 'annotation-names',
    reads: ['/annotations'],
    spec: specLink('config.md#annotations'),
    check: ({ annotations = {} }, report) => {
      if (Object.hasOwn(annotations, ''))
        report({ pointer: '/annotations/', message: 'an annotation has an empty name' });
    },
  },
];
