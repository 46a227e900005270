import { Counter, Histogram, type Registry } from 'prom-client';

export interface WebhookMetrics {
  readonly attempted: (endpoint: string, outcome: 'delivered' | 'refused' | 'failed', seconds: number) => void;
  readonly givenUp: (endpoint: string) => void;
}

export const makeWebhookMetrics = (registry: Registry): WebhookMetrics => {
  const attempts = new Counter({
    name: 'webhook_attempts_total',
    help: 'Attempts to deliver a webhook: delivered, refused (an answer other than 2xx), failed (no answer).',
    labelNames: ['endpoint', 'outcome'],
    registers: [registry],
  });
  const seconds = new Histogram({
    name: 'webhook_attempt_duration_seconds',
    help: 'Seconds until the endpoint answered.',
    labelNames: ['endpoint'],
    buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15],
    registers: [registry],
  });
  const givenUp = new Counter({
    name: 'webhooks_given_up_total',
    help: 'Webhooks that could not be delivered for a day.',
    labelNames: ['endpoint'],
    registers: [registry],
  });
  return {
    attempted: (endpoint, outcome, took) => {
      attempts.inc({ endpoint, outcome });
      seconds.observe({ endpoint }, took);
    },
    givenUp: (endpoint) => givenUp.inc({ endpoint }),
  };
};
