// The few figures that stand for many.

const sorted = (values) => values.toSorted((a, b) => a - b);

/** The value at a fraction (0 to 1) of the sorted ones; between two of them in proportion. Throws on none. */
export function quantile(values, fraction) {
  const list = sorted(values);
  if (list.length === 0) throw new Error('no values');
  const position = (list.length - 1) * fraction;
  const low = Math.floor(position);
  const high = Math.ceil(position);
  return list[low] + (list[high] - list[low]) * (position - low);
}

export const median = (values) => quantile(values, 0.5);

export function summarize(values) {
  return {
    median: median(values),
    min: Math.min(...values),
    p90: quantile(values, 0.9),
    samples: values.length,
  };
}
