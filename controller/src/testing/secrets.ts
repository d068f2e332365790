/** A secret under the name by which a failure tells of it. */
interface Known {
  readonly name: string;
  /** As it could stand in a text: in clear, base64, base64url, hexadecimal, URL-encoded. */
  readonly forms: readonly string[];
  /** As it could stand in something encoded together with others, such as a cursor. */
  readonly clear: string;
}

/** Looks for secrets in whatever leaves the controller. */
export interface Secrets {
  /** @param value text, or bytes; what is shorter than 8 stands in texts by chance and is left out */
  add(name: string, value: string | Uint8Array): void;
  /** Names of the secrets that stand in a text, in any form. */
  in(text: string): string[];
  readonly count: number;
}

const shortest = 8;

export function createSecrets(): Secrets {
  const known = new Map<string, Known>();
  return {
    add(name, value) {
      const bytes = Buffer.from(value as string);
      if (bytes.length < shortest) return;
      const clear = typeof value === "string" ? value : bytes.toString("latin1");
      const forms = [bytes.toString("base64"), bytes.toString("base64url"), bytes.toString("hex"), bytes.toString("hex").toUpperCase()];
      if (typeof value === "string") forms.push(value, encodeURIComponent(value), JSON.stringify(value).slice(1, -1));
      // Padding is left out by many.
      known.set(clear, { name, clear, forms: [...new Set(forms.map((form) => form.replace(/=+$/, "")))] });
    },
    in(text) {
      const decoded = [...text.matchAll(/[\w+/-]{16,}/g)].map(([word]) => Buffer.from(word, "base64").toString("latin1")).join("\n");
      return [...known.values()]
        .filter(({ forms, clear }) => forms.some((form) => text.includes(form)) || decoded.includes(clear))
        .map(({ name }) => name);
    },
    get count() {
      return known.size;
    },
  };
}
