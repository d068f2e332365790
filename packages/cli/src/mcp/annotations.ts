/** What hosts are told of tools, so that they ask their users before the right ones. */
export const reads = { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false } as const;
/** Can be put back by another call. */
export const changesBack = { readOnlyHint: false, destructiveHint: false, idempotentHint: true, openWorldHint: false } as const;
/** Cannot be undone. */
export const destroys = { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false } as const;
