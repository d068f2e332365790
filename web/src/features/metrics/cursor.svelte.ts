/** The point under the pointer, shared by the charts of a page; null while it is over none. */
export class SharedCursor {
  at = $state<number | null>(null);
  /** Chart that the pointer is over. */
  over = $state<string | null>(null);
}
