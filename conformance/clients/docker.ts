// Docker: dockerd and a containerd of the run's own.

import { ok } from './harness/command.ts';
import { startDocker } from './harness/docker.ts';
import { begin, end } from './harness/end.ts';
import { unfit } from './harness/host.ts';
import { dockerDaemon } from './scenarios/docker-daemon.ts';
import { dockerUserns } from './scenarios/docker-userns.ts';
import { exec } from './scenarios/exec.ts';
import { lifecycle } from './scenarios/lifecycle.ts';
import { limits } from './scenarios/limits.ts';
import { many } from './scenarios/many.ts';
import { namespaces } from './scenarios/namespaces.ts';
import { programs } from './scenarios/programs.ts';
import { security } from './scenarios/security.ts';
import { storage } from './scenarios/storage.ts';

const docker = await begin(unfit(['dockerd', 'docker', 'containerd', 'containerd-shim-runc-v2', 'ctr']), () =>
  startDocker({ name: 'docker' }),
);

if (docker !== undefined) {
  const { engine } = docker;
  programs(engine);
  exec(engine);
  lifecycle(engine);
  limits(engine);
  security(engine);
  storage(engine);
  namespaces(engine);
  many(engine);
  dockerDaemon(docker);
  dockerUserns();
  const removeAll = async () => {
    const { stdout } = ok(await engine.cli(['ps', '--all', '--quiet']));
    const ids = stdout.split('\n').filter(Boolean);
    if (ids.length > 0) ok(await engine.remove(ids));
  };
  end({ removeAll, stop: docker.stop, isEngine: /: \S*(dockerd|containerd) -/ });
}
