import type { MailSettings } from "@devflow/api";
import type { Mail } from "./mail.ts";

/** From the look-up of the name to the answer; less than a request to the API may take. */
const longestMs = 25_000;

/**
 * Sends one mail and returns the server's answer. Throws nodemailer's errors: `responseCode` is the server's status
 * (500 and above: it will never take this mail).
 * @param timeoutMs of everything together, since a server may also answer a byte at a time
 */
export async function transmit(
  settings: MailSettings,
  password: string | undefined,
  mail: Mail,
  timeoutMs: number = longestMs,
): Promise<string> {
  const { host, port, encryption, user, from, certificateAuthority } = settings;
  // With the first mail and not before: memory that a controller without a mail server never needs.
  const { createTransport } = await import("nodemailer");
  const transport = createTransport({
    host,
    port,
    secure: encryption === "tls",
    // Without this a man in the middle removes STARTTLS from the server's greeting and reads the password.
    requireTLS: encryption === "starttls",
    ignoreTLS: encryption === "none",
    tls: { minVersion: "TLSv1.2", ...(certificateAuthority === null ? {} : { ca: certificateAuthority }) },
    ...(user === null ? {} : { auth: { user, pass: password ?? "" } }),
    connectionTimeout: 10_000,
    greetingTimeout: 10_000,
    socketTimeout: 20_000,
    // What a mail holds is text; nothing may make the controller read a file or fetch an address.
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  try {
    const sent = await transport.sendMail({
      from,
      to: { name: "", address: mail.to },
      subject: mail.subject,
      text: mail.text,
      html: mail.html,
      signal: AbortSignal.timeout(timeoutMs),
    });
    return sent.response;
  } finally {
    transport.close();
  }
}
