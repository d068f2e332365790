/** Cron of the controller's own work (role "worker"); over pg-boss, so that one of several controllers runs each. */
export interface Jobs {
  /**
   * A run that fails is logged; the next comes by the cron. Runs of one name may overlap when one takes longer than
   * its interval on a machine with several controllers.
   * @param name "metrics.rollup"
   * @param cron five fields, UTC
   */
  cron(name: string, cron: string, handler: () => Promise<void>): void;
}
