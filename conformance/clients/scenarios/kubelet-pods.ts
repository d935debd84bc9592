// Pods as a kubelet makes, stops and removes them: what their containers share, and what a node does with many.

import assert from 'node:assert/strict';
import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import { listener, type Node, OF, type Pod, READY, STATE, sleeper, started } from '../harness/cri.ts';
import { group, scenario } from '../harness/scenario.ts';
import { waitFor } from '../harness/wait.ts';

const namespaceOf = (pid: number | 'self', kind: string) => readlinkSync(`/proc/${pid}/ns/${kind}`);

export function kubeletPods(node: Node): void {
  group('pods', () => {
    scenario('a pod is ready, and gone when it was stopped and removed', async (context) => {
      const pod = await node.pod(context);
      assert.equal(await pod.sandbox.state(), READY);
      const pid = await pod.sandbox.pid();
      await waitFor('its program', () => readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('sleep\x00100000'));
      await pod.stop();
      assert.notEqual(await pod.sandbox.state(), READY);
      assert.equal(existsSync(`/proc/${pid}`), false);
      await pod.remove();
      assert.equal((await node.pods()).includes(pod.id), false);
    });

    scenario('its containers share network, ipc and host name; not processes, mounts and files', async (context) => {
      const pod = await node.pod(context, { hostname: 'podbox' });
      const sandbox = await pod.sandbox.pid();
      const one = await pod.run({
        program: ['sh', '-c', 'echo mine >/only-mine; echo shared >/dev/shm/x; echo ready; exec sleep 1000'],
      });
      await one.waitForLog(/ready/);
      const two = await pod.run({ program: sleeper });
      const [first, second] = [await one.pid(), await two.pid()];
      for (const kind of ['net', 'ipc', 'uts']) {
        assert.equal(namespaceOf(first, kind), namespaceOf(sandbox, kind), kind);
        assert.equal(namespaceOf(second, kind), namespaceOf(sandbox, kind), kind);
        assert.notEqual(namespaceOf(first, kind), namespaceOf('self', kind), kind);
      }
      for (const kind of ['pid', 'mnt']) assert.notEqual(namespaceOf(first, kind), namespaceOf(second, kind), kind);
      assert.equal(
        await two.shell('hostname; cat /dev/shm/x; test -e /only-mine || echo no file'),
        'podbox\nshared\nno file',
      );
      await waitFor('its own first process', async () => (await two.shell('cat /proc/1/comm')) === 'sleep');
    });

    scenario('its containers can share processes, or see those of one of them', async (context) => {
      const pod = await node.pod(context, { namespaces: { pid: OF.pod } });
      const one = await pod.run({ program: ['sleep', '4321'] });
      const two = await pod.run({ program: sleeper });
      await waitFor('both', async () => /1 .*sleep 100000[\s\S]*sleep 4321/.test(await two.shell('ps')));
      // The container's process is not the first of its namespace: it is signalled, and goes, like any other.
      await one.stop(0);
      assert.equal((await one.ended()).exit_code, 137);
      assert.doesNotMatch(await two.shell('ps'), /sleep 4321/);
    });

    scenario('a container for debugging sees the processes of the one that it is for', async (context) => {
      const { pod, container } = await started(node, context, ['sleep', '4321']);
      const security = { namespace_options: { pid: OF.target, target_id: container.id } };
      const helper = await pod.run({ program: sleeper, security });
      await waitFor('the other', async () => /1 .*sleep 4321/.test(await helper.shell('ps')));
      assert.equal(namespaceOf(await helper.pid(), 'pid'), namespaceOf(await container.pid(), 'pid'));
      await helper.stop(0);
      assert.equal((await helper.ended()).exit_code, 137);
      assert.equal((await container.status()).state, STATE.running);
    });

    scenario('the host’s network, ipc and processes', async (context) => {
      const pod = await node.pod(context, { namespaces: { network: OF.node, pid: OF.node, ipc: OF.node } });
      const container = await pod.run({ program: sleeper });
      const pid = await container.pid();
      for (const kind of ['net', 'ipc', 'pid', 'uts'])
        assert.equal(namespaceOf(pid, kind), namespaceOf('self', kind), kind);
      assert.equal(await container.shell(`test -d /proc/${process.pid} && echo seen`), 'seen');
      await container.stop(0);
      assert.equal((await container.ended()).exit_code, 137);
    });

    scenario('sysctls of the pod are in force in its containers', async (context) => {
      const sysctls = { 'net.ipv4.ip_unprivileged_port_start': '80', 'kernel.shm_rmid_forced': '1' };
      const pod = await node.pod(context, { sysctls });
      const container = await pod.run({ program: sleeper });
      const files = 'cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/kernel/shm_rmid_forced';
      assert.equal(await container.shell(files), '80\n1');
    });

    scenario('lo is up, and the network is the pod’s from the first container on', async (context) => {
      const { container } = await started(node, context);
      assert.match(
        await container.shell('ip -o link show lo; ip -o addr show lo'),
        /<LOOPBACK,UP[\s\S]*127\.0\.0\.1\/8/,
      );
    });

    scenario('to stop a pod ends all its containers', async (context) => {
      const pod = await node.pod(context);
      const containers = [
        await pod.run({ program: sleeper }),
        await pod.run({ program: listener }),
        await pod.create({ program: sleeper }),
      ];
      const pids = await Promise.all(containers.slice(0, 2).map((container) => container.pid()));
      await pod.stop();
      for (const pid of pids) assert.equal(existsSync(`/proc/${pid}`), false);
      await pod.remove();
      const left = await node.containers();
      assert.deepEqual(
        containers.filter(({ id }) => left.includes(id)),
        [],
      );
    });
  });

  group(
    'the node',
    () => {
      scenario('it is ready, and its runtime answers', async () => {
        assert.equal((await node.version())['runtime_name'], 'containerd');
      });

      scenario('twenty pods at once, each with a container, all go', async (context) => {
        const pods = await Promise.all(Array.from({ length: 20 }, () => node.pod(context)));
        const inside = async (pod: Pod, index: number) => {
          const container = await pod.run({ program: ['sh', '-c', `echo pod ${index}`] });
          await container.ended();
          return container.log();
        };
        const said = await Promise.all(pods.map(inside));
        assert.deepEqual(
          said,
          pods.map((_, index) => `pod ${index}\n`),
        );
        await Promise.all(pods.map((pod) => pod.stop()));
        await Promise.all(pods.map((pod) => pod.remove()));
      });

      scenario('a restart of containerd leaves pods running, and it knows them', async (context) => {
        const { pod, container } = await started(node, context, listener);
        await container.waitForLog(/ready/);
        const pid = await container.pid();
        await node.restart();
        assert.equal(await container.pid(), pid);
        assert.equal(await pod.sandbox.state(), READY);
        assert.equal(await container.shell('echo reached'), 'reached');
        await container.stop(60);
        assert.equal((await container.ended()).exit_code, 5);
      });
    },
    { serial: true },
  );
}
