import type { HandleClientError } from "@sveltejs/kit/hooks";

/** What the error page says about an error that nobody caught. */
export const handleError: HandleClientError = (caught) => {
  if (caught.kind !== "unknown") return;
  const { message, requestId } = caught.error as { message?: string; requestId?: string | null };
  return { ...(message ? { message } : {}), ...(requestId ? { requestId } : {}) };
};
