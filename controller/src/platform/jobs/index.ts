/** Cron of the controller's own work (role "worker"); over pg-boss, so that one of several controllers runs each. */
export interface Jobs {
  /**
   * @param name "metrics.rollup"
   * @param cron five fields, UTC
   */
  cron(name: string, cron: string, handler: () => Promise<void>): void;
}
