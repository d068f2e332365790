import { describe, expect, it } from "vitest";
import { clientAddress, trustedProxies } from "./address.ts";

describe("clientAddress", () => {
  const trusted = trustedProxies(["10.0.0.0/8", "fd00::1"]);

  it("believes nobody but trusted proxies", () => {
    expect(clientAddress("203.0.113.9", "1.2.3.4", trusted)).toBe("203.0.113.9");
    expect(clientAddress("10.0.0.1", "1.2.3.4", trusted)).toBe("1.2.3.4");
    expect(clientAddress("::ffff:10.0.0.1", "1.2.3.4", trusted)).toBe("1.2.3.4");
  });

  it("takes the last address that is no proxy, not what the client wrote itself", () => {
    expect(clientAddress("10.0.0.1", "6.6.6.6, 1.2.3.4, 10.0.0.2", trusted)).toBe("1.2.3.4");
  });

  it("stops at what is no address", () => {
    expect(clientAddress("10.0.0.1", "6.6.6.6, <script>", trusted)).toBe("10.0.0.1");
    expect(clientAddress("fd00::1", null, trusted)).toBe("fd00::1");
    expect(clientAddress(undefined, "1.2.3.4", trusted)).toBeNull();
  });

  it("refuses settings that are no addresses", () => {
    for (const bad of ["proxy", "10.0.0.0/33", "10.0.0.0/x", "::/129"])
      expect(() => trustedProxies([bad])).toThrow(/DEVFLOW_TRUSTED_PROXIES/);
  });
});
