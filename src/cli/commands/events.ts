import { eventJson } from '../../container/event-json.ts';
import { containerEvents, containerStatistics } from '../../container/events.ts';
import { fail } from '../../error.ts';
import { parseDuration } from '../duration.ts';
import { print } from '../output.ts';
import { stateRoot, thisCaller } from '../root.ts';
import type { Invocation } from '../table.ts';

/** One JSON document a line, each written at once. */
export function events({ options, globals, positionals, log }: Invocation): number {
  const interval = intervalOf(options.text('interval') ?? '');
  const named = { root: stateRoot(globals.text('root'), thisCaller()).path, id: positionals[0] ?? '' };
  if (options.flag('stats')) {
    print(`${eventJson({ type: 'stats', id: named.id, data: containerStatistics(named) })}\n`);
    return 0;
  }
  for (const event of containerEvents({ ...named, interval, log })) print(`${eventJson(event)}\n`);
  return 0;
}

function intervalOf(text: string): number {
  const milliseconds = parseDuration(text);
  if (milliseconds === undefined)
    fail({ code: 'usage', message: `--interval is a duration like 5s or 100ms, not ${JSON.stringify(text)}` });
  if (milliseconds <= 0) fail({ code: 'usage', message: 'duration interval must be greater than 0' });
  return milliseconds;
}
