// One command from nothing to nothing: the container is made, its program runs and ends, the container is deleted. All of the same bundle: runt writes
// down at the second run what it needs for the third, so the first two are not to be counted (--warmups).

export const row = {
  name: 'run',
  title: 'run: a container that runs a static true, from start to end',
  unit: 'ms',
  measures: ['run'],
  target: { measure: 'run', ofRunc: 0.6 },
  measure(runtime, { bundle }) {
    const id = runtime.newId();
    const run = runtime.time(['run', '--bundle', bundle, id], { id });
    runtime.forget(id);
    return { run };
  },
};
