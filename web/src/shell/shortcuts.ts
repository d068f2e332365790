/** What a key press means for the whole page. */
export type Shortcut =
  | { readonly do: "palette" | "filter" | "shortcuts" | "add" }
  | { readonly do: "prefix" }
  | { readonly do: "go"; readonly key: string };

interface Press {
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
}

/**
 * @param press the key
 * @param typing whether a text field has the focus: only Ctrl/⌘ K counts then
 * @param prefixed whether "g" was pressed just before
 */
export function shortcutOf(press: Press, typing: boolean, prefixed: boolean): Shortcut | null {
  if ((press.ctrlKey || press.metaKey) && press.key.toLowerCase() === "k") return { do: "palette" };
  if (typing || press.ctrlKey || press.metaKey || press.altKey) return null;
  if (prefixed && /^[a-z]$/.test(press.key)) return { do: "go", key: press.key };
  switch (press.key) {
    case "/":
      return { do: "filter" };
    case "?":
      return { do: "shortcuts" };
    case "g":
      return { do: "prefix" };
    case "n":
      return { do: "add" };
    default:
      return null;
  }
}
