import { readFile } from "node:fs/promises";
import { assets } from "../../platform/assets.ts";

/** GET /cli/devflow.mjs: the command-line client as one file, open to everybody since nothing in it is secret. */
export async function cliFile(): Promise<Response> {
  try {
    const bytes = await readFile(assets.cli);
    return new Response(new Uint8Array(bytes), {
      headers: { "content-type": "text/javascript; charset=utf-8", "cache-control": "no-cache" },
    });
  } catch {
    // Started from sources that nobody built.
    return new Response("The command-line client is not built: npm run build -- cli\n", {
      status: 404,
      headers: { "content-type": "text/plain" },
    });
  }
}
