import type { HandleClientError } from "@sveltejs/kit";

/** What the error page says about an error that nobody caught. */
export const handleError: HandleClientError = ({ error, message }) => {
  const e = error as { message?: string; requestId?: string | null } | null;
  return { message: e?.message ?? message, ...(e?.requestId ? { requestId: e.requestId } : {}) };
};
