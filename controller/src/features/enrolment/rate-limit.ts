/**
 * Token buckets by key, bounded: when there are too many keys the one unused for longest is forgotten.
 * @param options.burst requests at once
 * @param options.perMinute refill
 * @returns allow(key): whether this request may pass
 */
export function createRateLimit(options: {
  burst: number;
  perMinute: number;
  now: () => number;
  maxKeys?: number;
}): (key: string) => boolean {
  const { burst, perMinute, now, maxKeys = 20_000 } = options;
  const buckets = new Map<string, { left: number; atMs: number }>();
  return (key) => {
    const atMs = now();
    const bucket = buckets.get(key) ?? { left: burst, atMs };
    bucket.left = Math.min(burst, bucket.left + (Math.max(0, atMs - bucket.atMs) * perMinute) / 60_000);
    bucket.atMs = atMs;
    buckets.delete(key); // moved to the end: the first key is the one unused for longest
    if (buckets.size >= maxKeys) buckets.delete(buckets.keys().next().value as string);
    buckets.set(key, bucket);
    if (bucket.left < 1) return false;
    bucket.left -= 1;
    return true;
  };
}
