// Podman with conmon, its pods, and Buildah.

import { ok } from './harness/command.ts';
import { begin, end } from './harness/end.ts';
import { unfit } from './harness/host.ts';
import { startPodman } from './harness/podman.ts';
import { buildah } from './scenarios/buildah.ts';
import { exec } from './scenarios/exec.ts';
import { lifecycle } from './scenarios/lifecycle.ts';
import { limits } from './scenarios/limits.ts';
import { many } from './scenarios/many.ts';
import { namespaces } from './scenarios/namespaces.ts';
import { podmanUserns } from './scenarios/podman-userns.ts';
import { pods } from './scenarios/pods.ts';
import { programs } from './scenarios/programs.ts';
import { security } from './scenarios/security.ts';
import { storage } from './scenarios/storage.ts';

const podman = await begin(unfit(['podman', 'conmon']), startPodman);

if (podman !== undefined) {
  const { engine } = podman;
  programs(engine);
  exec(engine);
  lifecycle(engine);
  limits(engine);
  security(engine);
  storage(engine);
  namespaces(engine);
  podmanUserns(engine);
  pods(engine);
  buildah(podman);
  many(engine);
  const removeAll = async () => {
    ok(await engine.cli(['pod', 'rm', '--all', '--force', '--time', '0']));
    ok(await engine.cli(['rm', '--all', '--force', '--time', '0']));
  };
  end({ removeAll, stop: podman.stop, isEngine: /^$/ });
}
