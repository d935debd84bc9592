// process.terminal: a pseudo-terminal of the container's own devpts. The master goes over a socket to whoever attends to it; the slave
// becomes /dev/console, the controlling terminal and descriptors 0 to 2. No name of the container is opened but `ptmx` in what is
// proven to be a devpts, and the slave by no name at all (CVE-2025-52565).

import {
  ioVector,
  MSG_NOSIGNAL,
  messageHeader,
  RIGHTS_DESCRIPTOR,
  rightsControl,
} from '../../linux/descriptor-message.ts';
import { ERRNO } from '../../linux/errno.ts';
import {
  AT_EMPTY_PATH,
  DEVPTS_SUPER_MAGIC,
  O_CLOEXEC,
  O_DIRECTORY,
  O_NOCTTY,
  O_PATH,
  O_RDWR,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
  RESOLVE_BENEATH,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
  RESOLVE_NO_XDEV,
} from '../../linux/mount-constants.ts';
import { TIOCSWINSZ, windowSizeBytes } from '../../linux/terminal.ts';
import type { Argument, PlanBuilder } from '../builder.ts';
import type { TerminalInputs } from '../inputs.ts';
import type { Slot } from '../plan.ts';
import { attach, descriptor, IN_ROOT, openAt } from './context.ts';

const TIOCSPTLCK = 0x40045431;
const TIOCGPTPEER = 0x5441;
const TIOCSCTTY = 0x540e;
const STATFS_SIZE = 120;
const POINTER = '/process/terminal';
/** The name that receivers are told; runc's word. */
const MASTER_NAME = '/dev/ptmx';

export interface TerminalPlace {
  readonly plan: PlanBuilder;
  /** The container's root: a directory that paths are resolved in. */
  readonly root: Argument;
  /** Put the slave on /dev/console. Only in a mount namespace of the container's own. */
  readonly console: boolean;
}

/** The caller is the leader of a session that has no terminal, and may still mount and change owners. */
export function openTerminal(place: TerminalPlace, terminal: TerminalInputs): void {
  prepareStreams(place, terminal);
  takeTerminal(place.plan);
}

/** The terminal becomes descriptors 0 to 2; a session takes it for its own afterwards. */
export function prepareStreams(place: TerminalPlace, terminal: TerminalInputs): void {
  const { plan } = place;
  plan.withSlot((master) => {
    plan.withSlot((slave) => {
      openPair(place, master, slave);
      setUp(plan, master, slave, terminal);
      if (place.console) mountConsole(place, plan.slotRef(slave));
      sendMaster(plan, master, terminal);
      useSlave(plan, slave);
    });
  });
}

function openPair({ plan, root }: TerminalPlace, master: Slot, slave: Slot): void {
  const hint = 'a terminal needs a devpts file system, mounted on /dev/pts';
  plan.withSlot((pts) => {
    plan.step({ sentence: 'find the devpts file system on /dev/pts', pointer: POINTER, hint }, () => {
      openAt(plan, root, '/dev/pts', { flags: O_PATH | O_DIRECTORY, resolve: IN_ROOT, result: pts });
    });
    plan.step({ sentence: '/dev/pts is no devpts file system', pointer: POINTER, hint }, () => {
      const status = plan.variable(STATFS_SIZE, '{statfs}');
      const fine = plan.label();
      plan.call('fstatfs', [plan.slotRef(pts), status]);
      plan.withSlot((type) => {
        plan.load(type, status, 8);
        plan.branch(type, 'equal', DEVPTS_SUPER_MAGIC, fine);
      });
      plan.fail(ERRNO.ENODEV);
      plan.place(fine);
    });
    plan.step({ sentence: 'open a new terminal with /dev/pts/ptmx', pointer: POINTER }, () => {
      // In a devpts nobody can make a file: without links and mounts on the way `ptmx` is the device that makes terminals.
      openAt(plan, plan.slotRef(pts), 'ptmx', {
        flags: O_RDWR | O_NOCTTY,
        resolve: RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
        result: master,
      });
    });
  });
  plan.step({ sentence: "open the terminal's slave", pointer: POINTER }, () => {
    plan.call('ioctl', [
      plan.slotRef(master),
      plan.value(TIOCSPTLCK, 'TIOCSPTLCK'),
      plan.constant(Buffer.alloc(4), '{0}'),
    ]);
    const flags = plan.value(O_RDWR | O_NOCTTY | O_CLOEXEC, 'O_RDWR|O_NOCTTY|O_CLOEXEC');
    // Through the master, not by its name: the name could be another's by now.
    plan.call('ioctl', [plan.slotRef(master), plan.value(TIOCGPTPEER, 'TIOCGPTPEER'), flags], { result: slave });
  });
}

function setUp(plan: PlanBuilder, master: Slot, slave: Slot, { size, uid }: TerminalInputs): void {
  if (size !== undefined) {
    const { rows, columns } = size;
    const sentence = `set the terminal's size to ${columns} columns, ${rows} rows`;
    plan.step({ sentence, pointer: '/process/consoleSize' }, () => {
      const bytes = plan.constant(windowSizeBytes(rows, columns), `{${rows}, ${columns}}`);
      plan.call('ioctl', [plan.slotRef(master), plan.value(TIOCSWINSZ, 'TIOCSWINSZ'), bytes]);
    });
  }
  if (uid === 0) return;
  plan.step({ sentence: `give the terminal to user ${uid}`, pointer: '/process/user/uid' }, () => {
    const others = plan.label();
    // The group is the devpts mount's. EPERM: the owner has no name in this user namespace; it stays, as in runc.
    plan.call('fchown', [plan.slotRef(slave), uid, plan.value(0xffffffff, '-1')], { on: { EPERM: others } });
    plan.place(others);
  });
}

/** By descriptors on both sides; what the image has of that name must be no link (CVE-2025-31133, crun's CVE-2026-88264). */
function mountConsole({ plan, root }: TerminalPlace, slave: Argument): void {
  const hint = 'is /dev/console of the image a link, or a directory?';
  plan.step({ sentence: 'bind the terminal on /dev/console', pointer: POINTER, hint }, () => {
    plan.withSlot((dev) => {
      plan.withSlot((target) => {
        const present = plan.label();
        openAt(plan, root, '/dev', { flags: O_PATH | O_DIRECTORY, resolve: IN_ROOT, result: dev });
        plan.call('mknodat', [plan.slotRef(dev), 'console', plan.value(0o100600, 'S_IFREG|0600'), 0], {
          on: { EEXIST: present },
        });
        plan.place(present);
        openAt(plan, plan.slotRef(dev), 'console', {
          flags: O_PATH,
          resolve: RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
          result: target,
        });
        plan.withSlot((tree) => {
          const flags = AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;
          const text = 'AT_EMPTY_PATH|OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC';
          plan.call('open_tree', [slave, '', plan.value(flags, text)], { result: tree });
          attach(plan, plan.slotRef(tree), plan.slotRef(target));
        });
      });
    });
  });
}

function sendMaster(plan: PlanBuilder, master: Slot, { socket }: TerminalInputs): void {
  const step = {
    sentence: `send the terminal to ${socket.text}`,
    pointer: POINTER,
    hint: 'does anybody listen there?',
  };
  plan.step(step, () => {
    const name = plan.string(MASTER_NAME);
    const vector = plan.constant(ioVector(plan.address(name), MASTER_NAME.length), `{${name.text}}`);
    const control = plan.variable(rightsControl(-1), '{SCM_RIGHTS}');
    plan.store(master, plan.addressOf(control, RIGHTS_DESCRIPTOR), 4);
    const message = messageHeader(plan.address(vector), plan.address(control));
    const header = plan.constant(message, `{${name.text}, SCM_RIGHTS [$${master}]}`);
    const to = descriptor(plan, socket);
    plan.call('sendmsg', [to, header, plan.value(MSG_NOSIGNAL, 'MSG_NOSIGNAL')]);
    // While a copy of the master is left nobody in the container hears when the terminal is hung up.
    plan.call('close', [plan.slotRef(master)]);
    plan.call('close', [to]);
  });
}

function useSlave(plan: PlanBuilder, slave: Slot): void {
  plan.step({ sentence: 'make the terminal the standard streams', pointer: POINTER }, () => {
    for (const stream of [0, 1, 2]) plan.call('dup3', [plan.slotRef(slave), stream, 0]);
    plan.call('close', [plan.slotRef(slave)]);
  });
}

/** For the leader of a session that has none yet, with the terminal as standard input. */
export function takeTerminal(plan: PlanBuilder): void {
  plan.step({ sentence: "make the terminal the session's own", pointer: POINTER }, () => {
    plan.call('ioctl', [0, plan.value(TIOCSCTTY, 'TIOCSCTTY'), 0]);
  });
}
