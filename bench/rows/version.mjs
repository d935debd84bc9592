// The floor of every command: the program starts, prints its version and ends.

export const row = {
  name: 'version',
  title: 'version: the program starts, and ends',
  unit: 'ms',
  measures: ['version'],
  measure: (runtime) => ({ version: runtime.time(['--version']) }),
};
