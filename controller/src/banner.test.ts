import { describe, expect, it } from "vitest";
import { banner } from "./banner.ts";

describe("banner", () => {
  it("names the address that a browser can open", () => {
    expect(banner({ publicUrl: null, host: "127.0.0.1" }, 8080, null)).toBe("\n  DevFlow is running at http://127.0.0.1:8080\n\n");
    expect(banner({ publicUrl: null, host: "::" }, 8080, null)).toContain("http://127.0.0.1:8080\n");
    expect(banner({ publicUrl: null, host: "::1" }, 8080, null)).toContain("http://[::1]:8080\n");
    expect(banner({ publicUrl: new URL("https://d.example"), host: "::" }, 8080, null)).toContain(" https://d.example\n");
  });

  it("keeps the first administrator's code out of what servers log", () => {
    expect(banner({ publicUrl: null, host: "127.0.0.1" }, 8080, "c0de")).toContain("http://127.0.0.1:8080/setup#c0de\n");
  });
});
