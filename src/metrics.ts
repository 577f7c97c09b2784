// Counters for operators, in the Prometheus format.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

export interface Metrics {
  /** Counts an answered request; `room` is the first part of its path, so that the number of series stays small. */
  answered(method: string, room: string, status: number, seconds: number): void;
  /** Counts a unit of background work that failed. */
  workFailed(step: string): void;
  /** Tells how many sites' models are in memory, and the bytes that they take. */
  modelsHeld(models: number, bytes: number): void;
  /** Counts a refit of a site's model by this process. */
  refitted(): void;
  /** All figures as text. */
  text(): Promise<string>;
  contentType: string;
}

export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const requests = new Histogram({
    name: 'backtalk_http_request_seconds',
    help: 'Time from a request to its answer',
    labelNames: ['method', 'room', 'status'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    registers: [registry],
  });
  const failures = new Counter({
    name: 'backtalk_work_failures_total',
    help: 'Units of background work that ended in an error',
    labelNames: ['step'],
    registers: [registry],
  });
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers: [registry] });
  const models = gauge('backtalk_models', "Sites' models in memory");
  const modelBytes = gauge('backtalk_model_bytes', "Bytes that the sites' models take");
  const refits = new Counter({
    name: 'backtalk_refits_total',
    help: "Refits of sites' models that this process made",
    registers: [registry],
  });
  return {
    answered: (method, room, status, seconds) => requests.observe({ method, room, status }, seconds),
    workFailed: (step) => failures.inc({ step }),
    modelsHeld(count, bytes) {
      models.set(count);
      modelBytes.set(bytes);
    },
    refitted: () => refits.inc(),
    text: () => registry.metrics(),
    contentType: registry.contentType,
  };
}
