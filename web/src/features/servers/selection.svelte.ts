/** Rows that are chosen for a change of many. Ids stay chosen while a filter hides them. */
export class Selection {
  ids = $state.raw<ReadonlySet<string>>(new Set());
  #anchor: string | null = null;

  has = (id: string): boolean => this.ids.has(id);
  get size(): number {
    return this.ids.size;
  }

  toggle(id: string): void {
    const next = new Set(this.ids);
    if (!next.delete(id)) next.add(id);
    this.#anchor = id;
    this.ids = next;
  }

  /** From the row chosen last to this one, as they stand in the list, with this one's new state for all. */
  extend(id: string, inOrder: readonly string[]): void {
    const [from, to] = [inOrder.indexOf(this.#anchor ?? ""), inOrder.indexOf(id)];
    if (from === -1 || to === -1) return this.toggle(id);
    const next = new Set(this.ids);
    for (const one of inOrder.slice(Math.min(from, to), Math.max(from, to) + 1)) next.add(one);
    this.ids = next;
  }

  /** All of these, or none of them when they are chosen already. */
  all(ids: readonly string[]): void {
    this.ids = ids.length > 0 && ids.every(this.has) ? new Set() : new Set(ids);
  }

  /** What is gone cannot be chosen. */
  keep(known: (id: string) => boolean): void {
    if ([...this.ids].some((id) => !known(id))) this.ids = new Set([...this.ids].filter(known));
  }

  clear(): void {
    this.ids = new Set();
    this.#anchor = null;
  }
}
