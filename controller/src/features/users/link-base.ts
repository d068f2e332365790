import type { Context } from "../../platform/context.ts";

/**
 * Origin of links in mails and at providers. Never from a request's Host header: whoever asks for somebody's reset
 * could send its link to a host of their own.
 */
export const linkBase = (ctx: Pick<Context, "config">): string => ctx.config.publicUrl?.origin ?? `http://localhost:${ctx.config.port}`;
