// What runt must reach (--check).

/** One sentence for each target: whether it is reached, and by how much. A figure that is missing is a target that is missed. */
export function checkTargets(rows, results) {
  return rows
    .filter((row) => row.target !== undefined)
    .map(({ name, title, target, unit }) => {
      const own = results[name]?.runt?.measures?.[target.measure];
      if (own === undefined) return { reached: false, text: `${title}: runt has no figure` };
      if (target.atMost !== undefined)
        return {
          reached: own.median <= target.atMost,
          text: `${title}, ${target.measure}: ${own.median} ${unit}, at most ${target.atMost} ${unit} wanted`,
        };
      if (own.ofRunc === undefined) return { reached: false, text: `${title}: runc has no figure to compare with` };
      return {
        reached: own.ofRunc <= target.ofRunc,
        text: `${title}: ${own.ofRunc.toFixed(2)} of runc, at most ${target.ofRunc} wanted`,
      };
    });
}
