/** HTTP API under construction by features: see define-route. */
export interface Api {
  readonly routes: readonly unknown[];
}
