// From a command's name to its code. Each is loaded only when it is asked for, with nothing that it does not need.

import type { CommandFunction, CommandName } from './table.ts';

const later = async (): Promise<CommandFunction> => (await import('./commands/later.ts')).later;

export const LOAD: Readonly<Record<CommandName, () => Promise<CommandFunction>>> = {
  create: async () => (await import('./commands/create.ts')).create,
  start: async () => (await import('./commands/start.ts')).start,
  run: async () => (await import('./commands/run.ts')).run,
  exec: async () => (await import('./commands/exec.ts')).exec,
  state: async () => (await import('./commands/state.ts')).state,
  kill: async () => (await import('./commands/kill.ts')).kill,
  delete: async () => (await import('./commands/delete.ts')).deleteCommand,
  list: async () => (await import('./commands/list.ts')).list,
  spec: async () => (await import('./commands/spec.ts')).spec,
  validate: async () => (await import('./commands/validate.ts')).validate,
  plan: async () => (await import('./commands/plan.ts')).plan,
  features: async () => (await import('./commands/features.ts')).features,
  completion: async () => (await import('./commands/completion.ts')).completion,
  help: async () => (await import('./commands/help.ts')).help,
  update: async () => (await import('./commands/update.ts')).update,
  pause: async () => (await import('./commands/pause.ts')).pause,
  resume: async () => (await import('./commands/pause.ts')).resume,
  ps: async () => (await import('./commands/ps.ts')).ps,
  events: async () => (await import('./commands/events.ts')).events,
  checkpoint: later,
  restore: later,
};
