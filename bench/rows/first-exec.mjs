// The first program that is added to a container: what a runtime prepares for those that follow, it has to do here.

export const row = {
  name: 'first-exec',
  title: 'first exec: the same, each in a container of its own',
  unit: 'ms',
  measures: ['first'],
  measure(runtime, { lastingBundle }) {
    const id = runtime.newId();
    runtime.time(['run', '--detach', '--bundle', lastingBundle, id], { id });
    const first = runtime.time(['exec', id, '/true']);
    runtime.time(['delete', '--force', id]);
    runtime.forget(id);
    return { first };
  },
};
