// The library: what another program may use. Everything that the command line does, and the pure parts by themselves.

export type { Statistics } from './cgroup/statistics/types.ts';
export { type CreateOptions, createContainer } from './container/create.ts';
export { type DeleteOptions, deleteContainer } from './container/delete.ts';
export { eventJson } from './container/event-json.ts';
export { type ContainerEvent, containerEvents, containerStatistics, type EventsOptions } from './container/events.ts';
export { type ExecOptions, execInContainer } from './container/exec.ts';
export type { ProcessChanges } from './container/exec-process.ts';
export { type KillOptions, killContainer } from './container/kill.ts';
export { type ListedContainer, listContainers } from './container/list.ts';
export { pauseContainer, resumeContainer } from './container/pause.ts';
export { type PlanOptions, planContainer } from './container/plan.ts';
export { containerProcesses } from './container/processes.ts';
export { type RunOptions, runContainer } from './container/run.ts';
export { startContainer } from './container/start.ts';
export { type ContainerState, containerState, type Named, type Status } from './container/state.ts';
export { type ErrorCode, type Problem, RuntError } from './error.ts';
export { explainPlan, type OperandJson, type OperationJson, type PlanJson, planToJson } from './init/explain.ts';
export type { Operation, Plan, Step } from './init/plan.ts';
export { parseSignal, signalName } from './linux/signals.ts';
export { type Log, silentLog } from './log.ts';
export { type DefaultConfigOptions, defaultConfig, formatConfig } from './spec/default-config.ts';
export type { Config, Features, State } from './spec/generated/types.ts';
export { type LoadedConfig, loadConfig } from './spec/load.ts';
export { type Finding, readDocument, renderFindings, validateText } from './spec/validate.ts';
