/**
 * How kubelet learns of a driver: it finds a socket in its plugins_registry folder, asks it for GetInfo, tries the
 * endpoint named there and says by NotifyRegistrationStatus how that went. Same form as ./csi-descriptor.ts.
 * https://pkg.go.dev/k8s.io/kubelet/pkg/apis/pluginregistration/v1
 */
const text = (id: number) => ({ type: 'string', id });

export const REGISTRATION_DESCRIPTOR = {
  nested: {
    pluginregistration: {
      nested: {
        Registration: {
          methods: {
            GetInfo: { requestType: 'InfoRequest', responseType: 'PluginInfo' },
            NotifyRegistrationStatus: {
              requestType: 'RegistrationStatus',
              responseType: 'RegistrationStatusResponse',
            },
          },
        },
        InfoRequest: { fields: {} },
        PluginInfo: {
          fields: {
            type: text(1),
            name: text(2),
            endpoint: text(3),
            supportedVersions: { rule: 'repeated' as const, ...text(4) },
          },
        },
        RegistrationStatus: { fields: { pluginRegistered: { type: 'bool', id: 1 }, error: text(2) } },
        RegistrationStatusResponse: { fields: {} },
      },
    },
  },
};

export interface RegistrationStatus {
  readonly pluginRegistered: boolean;
  readonly error: string;
}
