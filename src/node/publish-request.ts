import path from 'node:path';
import { z } from 'zod';
import { CSI_DRIVER_NAME } from '../api/names.ts';
import { ColdDriverName } from '../api/workspace-cold.ts';
import type { NodePublishVolumeRequest } from './csi-descriptor.ts';
import { CsiError } from './csi-error.ts';

/** What is taken from a NodePublishVolume call; everything else about the pod is looked up in the API. */
export interface PublishRequest {
  readonly volumeId: string;
  readonly target: string;
  readonly tier: Tier;
  /** Of cold storage. The pod's word is enough: it opens nothing, as credentials and prefix follow from the API alone. */
  readonly driver: ColdDriverName;
  /** The pod-bound token for our audience. */
  readonly token: string;
  /** The one for AWS, where the CSIDriver object asks for it. */
  readonly stsToken: string | undefined;
}

/** `hot`: the home, restored before the pod starts; `cold`: the bucket, mounted while it runs. */
export const TIERS = ['hot', 'cold'] as const;
export type Tier = (typeof TIERS)[number];
const STS_AUDIENCE = 'sts.amazonaws.com';

const TOKENS_KEY = 'csi.storage.k8s.io/serviceAccount.tokens';
const Tokens = z.record(z.string(), z.object({ token: z.string().min(1) }));

/**
 * Reads the call. Throws a CsiError: InvalidArgument for what a pod's author can put right, FailedPrecondition where
 * the CSIDriver object is not the one this product installs.
 */
export const parsePublish = (request: NodePublishVolumeRequest, kubeletDir: string): PublishRequest => {
  if (request.volumeId === '') throw new CsiError('InvalidArgument', 'the call has no volume id');
  const target = checkTarget(request.targetPath, kubeletDir);
  if (request.volumeCapability === null) throw new CsiError('InvalidArgument', 'the call has no volume capability');
  if (request.volumeCapability.block) {
    throw new CsiError('InvalidArgument', 'a workspace is a file system: it cannot be used as a block device');
  }
  if (request.readonly) {
    throw new CsiError('InvalidArgument', 'a workspace is writable: remove readOnly from the volume');
  }
  const given = request.volumeContext['tier'];
  const tier = TIERS.find((known) => known === given);
  if (tier === undefined) {
    const found = given === undefined ? 'not set' : JSON.stringify(given);
    throw new CsiError('InvalidArgument', `volumeAttributes.tier is ${found}: use "hot" or "cold"`);
  }
  const driver = ColdDriverName.safeParse(request.volumeContext['driver'] ?? 'rclone');
  if (!driver.success) {
    const found = JSON.stringify(request.volumeContext['driver']);
    throw new CsiError('InvalidArgument', `volumeAttributes.driver is ${found}: use "rclone" or "mount-s3"`);
  }
  return { volumeId: request.volumeId, target, tier, driver: driver.data, ...findTokens(request) };
};

/** A target is a normalized path below kubelet's folder: whatever calls us, nothing else is ever mounted over. */
export const checkTarget = (target: string, kubeletDir: string): string => {
  const below = `${path.join(kubeletDir, 'pods')}${path.sep}`;
  if (target !== '' && path.normalize(target) === target && target.startsWith(below)) return target;
  throw new CsiError('InvalidArgument', `the target path ${JSON.stringify(target)} is not below ${below}`);
};

// Kubernetes 1.35 and newer hand the token over as a secret; older ones only in the context.
const findTokens = (request: NodePublishVolumeRequest): Pick<PublishRequest, 'token' | 'stsToken'> => {
  const text = request.secrets[TOKENS_KEY] ?? request.volumeContext[TOKENS_KEY];
  if (text === undefined) {
    throw new CsiError(
      'FailedPrecondition',
      `kubelet sent no pod token: the CSIDriver object ${CSI_DRIVER_NAME} needs tokenRequests with audience ${CSI_DRIVER_NAME}`,
    );
  }
  const tokens = readTokens(text);
  const token = tokens[CSI_DRIVER_NAME]?.token;
  if (token !== undefined) return { token, stsToken: tokens[STS_AUDIENCE]?.token };
  throw new CsiError(
    'FailedPrecondition',
    `kubelet sent no pod token for audience ${CSI_DRIVER_NAME}: add it to tokenRequests of the CSIDriver object`,
  );
};

const readTokens = (text: string): z.infer<typeof Tokens> => {
  try {
    return Tokens.parse(JSON.parse(text));
  } catch {
    // The text holds tokens: it must not be repeated in a message.
    throw new CsiError('FailedPrecondition', 'kubelet sent pod tokens that are not the JSON of their format');
  }
};
