import { systemClock } from '../../../src/base/clock.ts';
import { directAccess } from '../../../src/kube/cluster-access.ts';
import { makeKubeClient } from '../../../src/kube/make-kube-client.ts';
import { SANDBOXES } from '../../../src/kube/resource-types.ts';
import { apiServerContract } from '../api-server-contract/contract.ts';
import { NAMESPACE } from '../resources.ts';
import { makeApiServer } from './api-server.ts';
import { makeModelClient } from './client.ts';
import { serveModel } from './serve.ts';

apiServerContract(
  'the model',
  () => {
    const client = makeModelClient(makeApiServer(), { clock: systemClock });
    return Promise.resolve({ client, type: SANDBOXES, namespace: NAMESPACE, access: undefined, close: client.close });
  },
  { bodies: false },
);

apiServerContract(
  'the model over HTTP',
  async () => {
    const server = await serveModel(makeApiServer(), systemClock);
    const access = directAccess(server.url);
    const client = makeKubeClient({ access });
    const close = async (): Promise<void> => {
      await client.close();
      await server.close();
    };
    return { client, type: SANDBOXES, namespace: NAMESPACE, access, close };
  },
  { bodies: true },
);
