import { describe, expect, it } from "vitest";
import { isOwnOrigin } from "./origin.ts";

const ask = (facts: Partial<Parameters<typeof isOwnOrigin>[0]>, publicUrl: string | null = null, without = false) =>
  isOwnOrigin({ origin: null, fetchSite: null, host: "127.0.0.1:8080", ...facts }, publicUrl === null ? null : new URL(publicUrl), without);

describe("isOwnOrigin", () => {
  it("knows its own page by the Host that the browser used", () => {
    expect(ask({ origin: "http://127.0.0.1:8080" })).toBe(true);
    expect(ask({ origin: "http://127.0.0.1:8080", fetchSite: "same-origin" })).toBe(true);
    expect(ask({ origin: "https://devflow.example", host: "devflow.example" })).toBe(true);
  });

  it("refuses other sites, sibling ports, opaque origins and what browsers call cross-site", () => {
    for (const origin of ["http://evil.example", "http://127.0.0.1:9090", "null", "", "file://127.0.0.1:8080"])
      expect(ask({ origin })).toBe(false);
    for (const fetchSite of ["cross-site", "same-site"]) expect(ask({ origin: "http://127.0.0.1:8080", fetchSite })).toBe(false);
  });

  it("demands the public scheme on the public host", () => {
    expect(ask({ origin: "http://d.example", host: "d.example" }, "https://d.example")).toBe(false);
    expect(ask({ origin: "https://d.example", host: "10.0.0.3:8080" }, "https://d.example")).toBe(true);
  });

  it("leaves to the caller what comes from no browser", () => {
    expect(ask({}, null, false)).toBe(false);
    expect(ask({}, null, true)).toBe(true);
  });
});
