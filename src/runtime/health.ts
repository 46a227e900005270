export interface HealthState {
  readonly ok: boolean;
  /** For people: what is well, or what is wrong and what to do. */
  readonly message: string;
}

/** One line of /livez or /readyz. `check` answers at once and does not throw. */
export interface HealthCheck {
  readonly name: string;
  readonly check: () => HealthState;
}
