// A reporter for node:test that writes each result as a line of JSON, for run-tests.mjs.

function errorText(error) {
  if (error === undefined) return '';
  // node:test wraps what the test threw.
  const cause = error.cause ?? error;
  if (!(cause instanceof Error) && typeof cause !== 'object') return String(cause);
  const text = (cause.stack ?? cause.message ?? String(cause)).replace(/\n +at (?:async )?[^\n]*node:[^\n]*/g, '');
  return cause.cause === undefined ? text : `${text}\ncaused by: ${cause.cause?.stack ?? cause.cause}`;
}

// biome-ignore lint/style/noDefaultExport: where node:test looks for a reporter
export default async function* reporter(events) {
  for await (const { type, data } of events) {
    if (type === 'test:diagnostic' && data.nesting > 0)
      yield `${JSON.stringify({ type: 'note', text: data.message })}\n`;
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    if (data.details?.type === 'suite') continue;
    const reason = data.skip ?? data.todo;
    const result = {
      name: data.name,
      milliseconds: Math.round(data.details?.duration_ms ?? 0),
      ...(reason === undefined || reason === false
        ? { type: type === 'test:pass' ? 'passed' : 'failed', text: errorText(data.details?.error) }
        : { type: 'skipped', text: reason === true || reason === '' ? 'no reason given' : String(reason) }),
    };
    yield `${JSON.stringify(result)}\n`;
  }
}
