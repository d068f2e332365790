/** Minutes an enrolment token may live, with words. */
export const lifetimes: readonly (readonly [minutes: number, label: string])[] = [
  [15, "15 minutes"],
  [60, "1 hour"],
  [1440, "1 day"],
  [10_080, "7 days"],
  [129_600, "90 days"],
  [525_600, "1 year"],
];
