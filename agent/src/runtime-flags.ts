/**
 * How Node is started for the agent: the one place for install.sh's unit, the local agent and the benchmarks.
 * Measured with everything read at 1 s and sent over mutual TLS (npm run bench -- agent-footprint): 74 MB RSS without,
 * 65 MB with the V8 flags, 61 MB when Node starts without its snapshot (4 MB of the binary that nobody reads again),
 * 58 MB with the start's memory given back (host/memory.ts, which --expose-gc is for).
 */
export const runtimeFlags = [
  "--lite-mode",
  "--max-semi-space-size=1",
  "--max-old-space-size=32",
  "--optimize-for-size",
  "--v8-pool-size=0",
  "--no-node-snapshot",
  "--expose-gc",
] as const;

/**
 * Environment that goes with them: one malloc arena instead of one a thread, and freed memory given back (1.1 MB less
 * after half a minute).
 */
export const runtimeEnvironment = { MALLOC_ARENA_MAX: "1", MALLOC_MMAP_THRESHOLD_: "32768", MALLOC_TRIM_THRESHOLD_: "65536" } as const;
