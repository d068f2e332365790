import type { WebhookAttempt } from "@devflow/api";
import { AppError } from "@devflow/errors";
import type { Context } from "../../platform/context.ts";
import type { Line, Outgoing } from "../../platform/outgoing/index.ts";
import { version } from "../../platform/version.ts";
import type { Due } from "./due.ts";
import { openSecret, sign } from "./secret.ts";

/** Sends one delivery once. Whatever comes of it is in the answer; `error` is null when it was delivered (2xx). */
export async function attempt(
  ctx: Context,
  outgoing: Outgoing,
  { webhook, delivery }: Due,
  { line, timeoutMs }: { line: Line; timeoutMs: number },
): Promise<WebhookAttempt> {
  const atMs = ctx.clock.now();
  const began = performance.now();
  const owner = { organizationId: webhook.organizationId, webhookId: webhook.id };
  const sealed = [webhook.sealedSecret];
  if (webhook.sealedPreviousSecret !== null && webhook.previousSecretUntil !== null && webhook.previousSecretUntil.getTime() > atMs)
    sealed.push(webhook.sealedPreviousSecret);
  const secrets = await Promise.all(sealed.map((bytes) => openSecret(ctx, owner, bytes)));
  const timestamp = Math.floor(atMs / 1_000);
  const requestHeaders = {
    "content-type": "application/json",
    "user-agent": `DevFlow/${version}`,
    "webhook-id": delivery.eventId,
    "webhook-timestamp": String(timestamp),
    "webhook-signature": sign({ id: delivery.eventId, timestamp, body: delivery.body }, secrets),
  };
  const common = { at: new Date(atMs).toISOString(), requestHeaders };
  try {
    const answer = await outgoing.send({
      url: webhook.url,
      method: "POST",
      headers: requestHeaders,
      body: delivery.body,
      timeoutMs,
      line,
    });
    return {
      ...common,
      durationMs: Math.round(performance.now() - began),
      status: answer.status,
      responseHeaders: Object.fromEntries(Object.entries(answer.headers).map(([name, value]) => [name, storable(value)])),
      responseBody: storable(answer.body),
      error: errorOf(answer.status),
    };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return {
      ...common,
      durationMs: Math.round(performance.now() - began),
      status: null,
      responseHeaders: null,
      responseBody: null,
      error: storable(error.message),
    };
  }
}

function errorOf(status: number): string | null {
  if (status >= 200 && status < 300) return null;
  if (status >= 300 && status < 400)
    return `The endpoint answered ${status}; redirects are not followed, so give the address that it points to`;
  if (status === 410) return "The endpoint answered 410: it is gone for good";
  return `The endpoint answered ${status}; expected 2xx`;
}

/** PostgreSQL stores no U+0000 in text. */
const storable = (text: string): string => text.replaceAll("\0", "\uFFFD");
