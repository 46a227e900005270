/**
 * The part of the Container Storage Interface 1.x that kubelet speaks with a node-only driver, as a protobuf descriptor:
 * field numbers and names are the protocol's. Embedded rather than read from a `.proto` file, because the product is one
 * bundled file. Messages hold just the fields this driver reads or writes; protobuf skips the others.
 * https://github.com/container-storage-interface/spec/blob/master/spec.md
 */
const text = (id: number) => ({ type: 'string', id });
const texts = (id: number) => ({ keyType: 'string', type: 'string', id });
const empty = { fields: {} };
const method = (name: string) => ({ requestType: `${name}Request`, responseType: `${name}Response` });

const identity = {
  Identity: {
    methods: {
      GetPluginInfo: method('GetPluginInfo'),
      GetPluginCapabilities: method('GetPluginCapabilities'),
      Probe: method('Probe'),
    },
  },
  GetPluginInfoRequest: empty,
  GetPluginInfoResponse: { fields: { name: text(1), vendorVersion: text(2) } },
  GetPluginCapabilitiesRequest: empty,
  // No capability: no controller service, no expansion.
  GetPluginCapabilitiesResponse: empty,
  ProbeRequest: empty,
  // google.protobuf.BoolValue on the wire.
  BoolValue: { fields: { value: { type: 'bool', id: 1 } } },
  ProbeResponse: { fields: { ready: { type: 'BoolValue', id: 1 } } },
};

const node = {
  Node: {
    methods: {
      NodePublishVolume: method('NodePublishVolume'),
      NodeUnpublishVolume: method('NodeUnpublishVolume'),
      NodeGetCapabilities: method('NodeGetCapabilities'),
      NodeGetInfo: method('NodeGetInfo'),
    },
  },
  VolumeCapability: {
    fields: { block: { type: 'BlockVolume', id: 1 }, mount: { type: 'MountVolume', id: 2 } },
    nested: { BlockVolume: empty, MountVolume: empty },
  },
  NodePublishVolumeRequest: {
    fields: {
      volumeId: text(1),
      targetPath: text(4),
      volumeCapability: { type: 'VolumeCapability', id: 5 },
      readonly: { type: 'bool', id: 6 },
      secrets: texts(7),
      volumeContext: texts(8),
    },
  },
  NodePublishVolumeResponse: empty,
  NodeUnpublishVolumeRequest: { fields: { volumeId: text(1), targetPath: text(2) } },
  NodeUnpublishVolumeResponse: empty,
  NodeGetCapabilitiesRequest: empty,
  // No capability: no staging, no statistics, no fsGroup of our own.
  NodeGetCapabilitiesResponse: empty,
  NodeGetInfoRequest: empty,
  NodeGetInfoResponse: { fields: { nodeId: text(1) } },
};

export const CSI_DESCRIPTOR = { nested: { csi: { nested: { v1: { nested: { ...identity, ...node } } } } } };

/** NodePublishVolume, as decoded: absent strings are '', absent maps are {}. */
export interface NodePublishVolumeRequest {
  readonly volumeId: string;
  readonly targetPath: string;
  readonly volumeCapability: { readonly block?: unknown; readonly mount?: unknown } | null;
  readonly readonly: boolean;
  readonly secrets: Readonly<Record<string, string>>;
  readonly volumeContext: Readonly<Record<string, string>>;
}

export interface NodeUnpublishVolumeRequest {
  readonly volumeId: string;
  readonly targetPath: string;
}
