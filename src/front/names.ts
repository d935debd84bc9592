// Names of files that the front and the engine have in common.

/** The state root of root on the host, by default. */
export const SYSTEM_ROOT = '/run/runt';

// In a container's state directory:
export const STATE_FILE = 'state.json';
/** The config that the container was made from. */
export const CONFIG_FILE = 'config.json';
/** The order to init, and its answer. */
export const ORDER_FIFO = 'start';
export const ANSWER_FIFO = 'started';
/** What the order's FIFO is called once somebody has it begins so; pid and start time follow. */
export const TAKEN = 'start.';
