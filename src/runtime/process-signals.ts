import type { SignalSource } from './manager.ts';

/** SIGTERM (kubelet, systemd) and SIGINT (Ctrl-C). */
export const processSignals: SignalSource = (listener) => {
  process.on('SIGTERM', listener);
  process.on('SIGINT', listener);
  return () => {
    process.off('SIGTERM', listener);
    process.off('SIGINT', listener);
  };
};
