const words: Readonly<Record<string, string>> = {
  ECONNREFUSED: "The connection was refused: nothing listens there, or a firewall says no",
  ECONNRESET: "The connection was closed before there was an answer",
  EPIPE: "The connection was closed before there was an answer",
  ETIMEDOUT: "The connection could not be made in time",
  EHOSTUNREACH: "There is no way to this address",
  ENETUNREACH: "There is no way to this address",
  HPE_HEADER_OVERFLOW: "The answer's headers are larger than 16 kB",
};

/** Why a request had no answer, for people. */
export function inWords(error: unknown): string {
  const { code = "", message = String(error), errors } = error as { code?: string; message?: string; errors?: readonly unknown[] };
  // Several addresses were tried; they mostly fail alike.
  if (errors?.[0] !== undefined) return inWords(errors[0]);
  if (words[code] !== undefined) return words[code];
  if (code.startsWith("HPE_")) return "The answer is not HTTP";
  if (code.startsWith("ERR_TLS") || code.startsWith("ERR_SSL") || /certificate|self.signed|altname/i.test(`${code} ${message}`))
    return `The certificate or TLS was not accepted: ${message}`;
  return message;
}
