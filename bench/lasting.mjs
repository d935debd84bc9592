// A container that runs as long as the benchmark does: the same for all measurements of a runtime.

const containers = new Map();

/** Its id. */
export function lastingContainer(runtime, { lastingBundle }) {
  let id = containers.get(runtime);
  if (id === undefined) {
    id = runtime.newId();
    runtime.time(['run', '--detach', '--bundle', lastingBundle, id], { id });
    containers.set(runtime, id);
  }
  return id;
}
