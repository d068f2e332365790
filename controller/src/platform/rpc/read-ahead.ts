import type { UntypedHandleCall, UntypedServiceImplementation } from "@grpc/grpc-js";

/**
 * Bounds what a paused stream holds. grpc-js reads 16 messages ahead whatever their size (16 MiB of a hostile agent),
 * and gives no option for it; one is enough, since the next is parsed while a handler works on the first.
 */
export function readOneAhead(call: unknown): void {
  const state = (call as { _readableState?: { highWaterMark: number } })._readableState;
  if (state !== undefined) state.highWaterMark = 1;
}

/** The same handlers, with `first` done to each call before. */
export const mapHandlers = (handlers: object, first: (call: unknown) => void): UntypedServiceImplementation =>
  Object.fromEntries(
    Object.entries(handlers as Record<string, (...args: unknown[]) => unknown>).map(([name, handler]) => [
      name,
      ((...args: unknown[]) => {
        first(args[0]);
        return handler(...args);
      }) as UntypedHandleCall,
    ]),
  );
