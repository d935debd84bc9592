// The table of properties, in the chapters of docs/properties.md.

import { CONTAINER, HOOKS_ROWS, MOUNTS_ROWS } from './common.ts';
import { LINUX, SECCOMP_ROWS } from './linux.ts';
import { PROCESS_ROWS } from './process.ts';
import { RESOURCES } from './resources.ts';
import { type Property, propertiesOf } from './row.ts';

export interface Chapter {
  readonly title: string;
  readonly properties: readonly Property[];
}

export const CHAPTERS: readonly Chapter[] = [
  { title: 'The container and its root', properties: propertiesOf(CONTAINER) },
  { title: 'Mounts', properties: propertiesOf(MOUNTS_ROWS) },
  { title: 'The process', properties: propertiesOf(PROCESS_ROWS) },
  { title: 'Hooks', properties: propertiesOf(HOOKS_ROWS) },
  { title: 'Linux: namespaces, devices, paths', properties: propertiesOf(LINUX) },
  { title: 'Linux: limits', properties: propertiesOf(RESOURCES) },
  { title: 'Linux: seccomp', properties: propertiesOf(SECCOMP_ROWS) },
];

export const PROPERTIES: readonly Property[] = CHAPTERS.flatMap(({ properties }) => properties);
