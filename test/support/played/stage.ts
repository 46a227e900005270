import type { ApiServerProxy, ProxyOptions } from '../api-server-proxy/start-proxy.ts';
import { type ControllerProcess, type ControllerProcessOptions, startControllerProcess } from './controller-process.ts';
import { type Life, makeLife } from './life.ts';
import type { PlayedCluster } from './played-cluster.ts';
import { startPlayedNode } from './played-node.ts';

/** A namespace with a played node, and one controller behind a proxy of its own. */
export interface Stage {
  readonly life: Life;
  /** The controller's. */
  readonly proxy: ApiServerProxy;
  readonly controller: () => ControllerProcess;
  /** Ends the controller in whatever it is about; another starts behind the same proxy, with empty caches. */
  readonly restart: () => Promise<void>;
  readonly close: () => Promise<void>;
}

export type StageOptions = Omit<ControllerProcessOptions, 'url' | 'namespace'> & Pick<ProxyOptions, 'headersOf'>;

export const openStage = async (cluster: PlayedCluster, options: StageOptions = {}): Promise<Stage> => {
  const namespace = await cluster.makeNamespace();
  const { client } = cluster;
  const node = await startPlayedNode({ client, namespace, node: cluster.node });
  const proxy = await cluster.openProxy(options.headersOf === undefined ? {} : { headersOf: options.headersOf });
  const start = (): ControllerProcess => startControllerProcess({ ...options, url: proxy.url, namespace });
  let controller = start();
  return {
    life: makeLife(client, namespace, node),
    proxy,
    controller: () => controller,
    restart: async () => {
      await controller.kill();
      controller = start();
    },
    close: async () => {
      await controller.kill();
      await node.stop();
      await proxy.close();
    },
  };
};

/** Lets `act` happen on a stage that is cleared away after it, whatever becomes of it. */
export const onStage = async (
  cluster: PlayedCluster,
  options: StageOptions,
  act: (stage: Stage) => Promise<void>,
): Promise<void> => {
  const stage = await openStage(cluster, options);
  try {
    await act(stage);
  } finally {
    await stage.close();
  }
};
