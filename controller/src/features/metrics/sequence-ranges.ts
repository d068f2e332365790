/** Sorted, merged, both ends included. `sequences` is sorted in place; repeated ones count once. */
export function sequenceRanges(sequences: number[]): { first: bigint; last: bigint }[] {
  sequences.sort((a, b) => a - b);
  const ranges: { first: bigint; last: bigint }[] = [];
  for (let i = 0; i < sequences.length;) {
    const first = sequences[i] as number;
    let last = first;
    while (++i < sequences.length && (sequences[i] as number) <= last + 1) last = sequences[i] as number;
    ranges.push({ first: BigInt(first), last: BigInt(last) });
  }
  return ranges;
}
