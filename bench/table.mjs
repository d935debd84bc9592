// The results for people.

const format = (value, unit) => (unit === 'ms' ? value.toFixed(2) : Math.round(value).toString());

/** `results`: by row, by runtime: {measures: {name: summary}} or {error}. */
export function renderTable(rows, names, results) {
  const lines = [];
  for (const row of rows) {
    lines.push('', row.title);
    lines.push(`  ${''.padEnd(18)}${['median', 'min', 'p90', 'of runc'].map((title) => title.padStart(12)).join('')}`);
    for (const measure of row.measures) {
      for (const name of names) {
        const result = results[row.name]?.[name];
        const label = row.measures.length === 1 ? name : `${measure}  ${name}`;
        if (result === undefined) continue;
        if (result.error !== undefined) {
          if (measure === row.measures[0]) lines.push(`  ${label.padEnd(18)}  ${result.error}`);
          continue;
        }
        const summary = result.measures[measure];
        const { ofRunc } = summary;
        const cells = [summary.median, summary.min, summary.p90].map(
          (value) => `${format(value, row.unit)} ${row.unit}`,
        );
        cells.push(ofRunc === undefined ? '-' : `${ofRunc.toFixed(ofRunc < 0.01 ? 4 : 2)} x`);
        lines.push(`  ${label.padEnd(18)}${cells.map((cell) => cell.padStart(12)).join('')}`);
      }
    }
  }
  return lines.join('\n').trimStart();
}

export function renderMachine(machine, runtimes) {
  const { kernel, architecture, distribution, cpu, cores, memoryMiB, cgroup, virtualMachine, node, loadAverage } =
    machine;
  return [
    `${distribution}, Linux ${kernel} ${architecture}, cgroup ${cgroup}${virtualMachine ? ', a virtual machine' : ''}`,
    `${cpu}, ${cores} core(s), ${memoryMiB} MiB, load ${loadAverage.join(' ')}, Node.js ${node}`,
    ...runtimes.map(({ name, path, version }) => `${name}: ${path} (${version})`),
    `starting any program takes ${machine.launchMs.toFixed(2)} ms here, which is part of every time`,
  ].join('\n');
}
