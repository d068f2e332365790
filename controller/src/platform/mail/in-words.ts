interface Failure {
  code?: string;
  /** Of the system or TLS, below nodemailer's own code. */
  originalCode?: string;
  message?: string;
  /** The server's words with its status. */
  response?: string;
  responseCode?: number;
  name?: string;
}

/**
 * Why a mail was not taken, for people: what happened and, where there is something, what to do. Knows nodemailer's
 * errors: https://nodemailer.com/errors
 */
export function inWords(error: unknown): string {
  const { code = "", originalCode = "", message = String(error), response, name } = error as Failure;
  if (code === "EAUTH")
    return response === undefined
      ? `It offers no way of signing in that DevFlow knows (${message})`
      : `It did not accept the user and password: ${response}`;
  if (originalCode === "ERR_SSL_WRONG_VERSION_NUMBER" || /wrong version number|packet length too long/i.test(message))
    return "It does not speak TLS from the first byte on this port; choose STARTTLS";
  if (isAboutCertificate(originalCode, message))
    return `Its certificate was not accepted, so nothing was sent: ${message}. Use the name that the certificate is for, or enter the certification authority that signed it`;
  if (code === "ETLS" && response !== undefined) return `It does not offer STARTTLS, so nothing was sent: ${response}`;
  if (response !== undefined) return `It answered: ${response}`;
  if (code === "ETLS" || originalCode.startsWith("ERR_SSL") || originalCode.startsWith("ERR_TLS")) return `TLS with it failed: ${message}`;
  if (code === "EDNS") return `Its name has no address: ${message}`;
  if (originalCode === "ECONNREFUSED") return "The connection was refused: nothing listens there, or a firewall says no";
  if (originalCode === "EHOSTUNREACH" || originalCode === "ENETUNREACH") return "There is no way to its address";
  if (code === "ETIMEDOUT" || code === "EABORT" || name === "TimeoutError" || name === "AbortError")
    return "It did not answer in time: it is away or stalls, a firewall drops what is sent, or the port wants TLS from the first byte";
  if (code === "ECONNECTION" || originalCode === "ECONNRESET" || originalCode === "EPIPE")
    return "It closed the connection before the mail was taken";
  return message;
}

const isAboutCertificate = (code: string, message: string): boolean =>
  /CERT|SIGNATURE|ALTNAME|ISSUER|CRL/.test(code) || /certificate|self.signed|altnames/i.test(message);
