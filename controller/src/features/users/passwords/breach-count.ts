import { createHash } from "node:crypto";

const answerMs = 3_000;
/** An answer is some 40 kB. */
const maxBytes = 400_000;
const entry = /^([0-9A-F]{35}):(\d{1,10})$/;

/**
 * How often a password stands in known breaches: the range API of Have I Been Pwned. Only the first five of the forty
 * hexadecimal characters of its SHA-1 leave the machine, and the answer is padded (by entries with count 0), so that
 * nobody learns the password. Throws Error when no list comes within 3 s.
 * Format: https://haveibeenpwned.com/API/v3#SearchingPwnedPasswordsByRange
 * @param list ends in "/", the five characters are appended
 */
export async function breachCount(list: URL, password: string): Promise<number> {
  const hash = createHash("sha1").update(password).digest("hex").toUpperCase();
  const response = await fetch(new URL(hash.slice(0, 5), list), {
    headers: { "add-padding": "true", "user-agent": "DevFlow" },
    redirect: "error",
    signal: AbortSignal.timeout(answerMs),
  });
  if (!response.ok) throw new Error(`expected a list, got status ${response.status}`);
  const lines = (await readText(response)).split(/\r?\n/);
  // A page of somebody between here and there is no list, and says nothing about the password.
  if (!entry.test(lines[0] ?? "")) throw new Error("expected a list of hashes and counts, got something else");
  const found = lines.find((line) => line.startsWith(`${hash.slice(5)}:`));
  return found === undefined ? 0 : Number(entry.exec(found)?.[2] ?? 0);
}

/** Throws Error when it does not end. */
async function readText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk as Uint8Array);
    size += (chunk as Uint8Array).length;
    if (size > maxBytes) throw new Error(`expected a list of at most ${maxBytes} bytes`);
  }
  return Buffer.concat(chunks).toString("latin1");
}
