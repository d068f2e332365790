/** Who sends a request, apart from its credentials. */
export interface Caller {
  readonly address: string | null;
  readonly userAgent: string | null;
}
