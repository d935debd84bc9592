// What copies the mount sources of a container in a user namespace, with the rights of the host, while init waits for it: it may be killed.

import { type Config, type Container, check, ok, refused, type Sandbox } from '../conformance/harness/index.ts';
import { needsStrace } from './support.ts';

function withUsers(config: Config): void {
  config.process.args = ['/bin/sleep', '300'];
  config.linux.namespaces.push({ type: 'user' });
  config.linux.uidMappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
  config.linux.gidMappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
}

for (const kind of ['created', 'joined'] as const) {
  check(
    `a create whose mount sources are never copied, since what copies them is killed, fails and leaves nothing (${kind})`,
    { skip: needsStrace },
    (box) => {
      const owner = kind === 'joined' ? running(box) : undefined;
      const container = box.container((config) => {
        withUsers(config);
        if (owner !== undefined)
          Object.assign(config.linux.namespaces.at(-1) ?? {}, { path: `/proc/${owner.pid()}/ns/user` });
      });
      const killed = 'strace -f -qq -o /dev/null -e trace=open_tree -e inject=open_tree:signal=KILL:when=1';
      refused(
        container.create({ prelude: `set -- ${killed} "$@"` }),
        /what copies the mount sources for init ended without a word/,
      );
      refused(container.stateResult(), /does not exist/);
      if (owner !== undefined) ok(owner.delete({ flags: ['--force'] }));
      box.assertNothingLeft();
    },
  );
}

function running(box: Sandbox): Container {
  const container = box.container(withUsers);
  ok(container.create());
  ok(container.start());
  return container;
}
