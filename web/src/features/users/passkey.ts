import { ApiError } from "#api/client.ts";

/** Whether this browser has passkeys here: on https and localhost only. */
export const hasPasskeys = (): boolean => "PublicKeyCredential" in window;

type WebAuthn = Record<string, unknown>;

/** What the person did instead, in words; null when they only closed the browser's window. */
function said(cause: unknown): ApiError | null {
  const { name, message } = cause as Error;
  if (name === "NotAllowedError" || name === "AbortError") return null;
  if (name === "InvalidStateError") return new ApiError(0, "passkey", "This device has a passkey for your account already.");
  return new ApiError(0, "passkey", `The browser could not use a passkey: ${message}`);
}

/** Asks the browser for a new passkey; null when the person cancelled. Throws ApiError. */
export async function makePasskey(options: WebAuthn): Promise<WebAuthn | null> {
  const { startRegistration } = await import("@simplewebauthn/browser");
  try {
    return { ...(await startRegistration({ optionsJSON: options as never })) };
  } catch (cause) {
    const error = said(cause);
    if (error !== null) throw error;
    return null;
  }
}

/** Asks the browser to sign with a passkey; null when the person cancelled. Throws ApiError. */
export async function usePasskey(options: WebAuthn): Promise<WebAuthn | null> {
  const { startAuthentication } = await import("@simplewebauthn/browser");
  try {
    return { ...(await startAuthentication({ optionsJSON: options as never })) };
  } catch (cause) {
    const error = said(cause);
    if (error !== null) throw error;
    return null;
  }
}
