import { sveltekit } from "@sveltejs/kit/vite";
import adapter from "@sveltejs/adapter-static";
import tailwindcss from "@tailwindcss/vite";
import { defineConfig } from "vite";

/** Where the API answers in development: a controller, or the mock of `npm run dev:mock`. */
const api = `http://127.0.0.1:${process.env["DEVFLOW_PORT"] ?? "8080"}`;

/** Opens later than the first page: stays in files of its own. */
const later = /\/src\/(shell\/(Palette|Shortcuts)|ui\/(Dialog|Field|Copy)|features\/servers\/(ServerSettings|BulkBar|StateNotice))\.svelte/;
const within = (...paths: RegExp[]) => ({ test: (id: string) => !later.test(id) && paths.some((path) => path.test(id)) });
/** What goes together into one file, the first that fits; each takes along what it stands on. */
const files = [
  // Kit's first module sets what others read when they are evaluated (base path, version): nothing else may come with it,
  // or they would read it before it is set.
  { name: "start", test: /\/kit\/src\/runtime\/client\/payload\.js|vite\/preload-helper/, priority: 50 },
  { name: "svelte", ...within(/\/node_modules\/svelte\//), priority: 40 },
  // What the first page shows, and nothing beside it: the frame, then the list of servers.
  { name: "shell", ...within(/\/src\/shell\//, /\/src\/routes\/(\(app\)\/)?\+layout\.svelte/), priority: 30 },
  { name: "servers", ...within(/\/src\/features\/servers\//, /\/src\/routes\/\(app\)\/servers\/\+page\.svelte/), priority: 20 },
  { name: "charts", ...within(/\/src\/features\/metrics\//), priority: 10 },
  // What the other pages share.
  { name: "more", ...within(/\/src\/(api|ui|features\/users)\//, /\/@lucide\/svelte\//, /\/packages\//), priority: 5 },
];

export default defineConfig({
  plugins: [
    tailwindcss(),
    sveltekit({
      adapter: adapter({ fallback: "index.html", precompress: true }),
      // "hash": the page is static, so there is no nonce; the controller sends the same policy as a header.
      csp: {
        mode: "hash",
        directives: {
          "default-src": ["self"],
          "script-src": ["self"],
          "style-src": ["self"],
          // Kit's route announcer carries one style attribute; this is its hash.
          "style-src-attr": ["unsafe-hashes", "sha256-S8qMpvofolR8Mpjy4kQvEm7m1q8clzU4dfDH0AmvZjo="],
          "img-src": ["self", "data:"],
          "connect-src": ["self"],
          "object-src": ["none"],
          "base-uri": ["none"],
          "form-action": ["self"],
          // No text becomes markup or code by itself: what may is Svelte's own templates.
          "require-trusted-types-for": ["script"],
          "trusted-types": ["svelte-trusted-html"],
        },
      },
      output: { bundleStrategy: "split" },
      // Asset addresses stay absolute: the fallback page answers at every depth.
      paths: { relative: false },
      compilerOptions: { runes: true },
    }),
  ],
  build: {
    target: "es2022",
    chunkSizeWarningLimit: 300,
    // Few files instead of one a module: on a distant controller requests cost more than bytes. What opens later (palette,
    // dialogues, forms) stays apart.
    rolldownOptions: { output: { codeSplitting: { groups: files } } },
  },
  server: { proxy: { "/api": { target: api, ws: true } } },
  ...(process.env["VITEST"] ? { resolve: { conditions: ["browser"] } } : {}),
});
