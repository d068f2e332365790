import { globSync } from "node:fs";
import { join } from "node:path";
import { root } from "../scripts/build-state.mjs";

/** Paths of all pages that need nothing in their address, from the folders of the routes themselves: pages that come later are in it. */
export const pages: readonly string[] = globSync("**/+page.svelte", { cwd: join(root, "web/src/routes") })
  .map((file) => `/${file.replace(/\/?\+page\.svelte$/, "").replaceAll(/\([^)]*\)\/?/g, "")}`)
  .filter((path) => !path.includes("["))
  .toSorted();
