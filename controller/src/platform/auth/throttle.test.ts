import { describe, expect, it } from "vitest";
import { createThrottle } from "./throttle.ts";

describe("createThrottle", () => {
  it("lets five failures of one account and address pass, then waits for the window's end", () => {
    let now = 0;
    const throttle = createThrottle(() => now);
    for (let i = 0; i < 5; i++) {
      expect(throttle.waitSeconds(["both:a|1"])).toBe(0);
      throttle.fail(["both:a|1"]);
    }
    expect(throttle.waitSeconds(["both:a|1"])).toBe(900);
    expect(throttle.waitSeconds(["both:a|2"])).toBe(0);
    now = 900_000;
    expect(throttle.waitSeconds(["both:a|1"])).toBe(0);
  });

  it("stops one address that tries many accounts, and many addresses that try one account", () => {
    const throttle = createThrottle(() => 0);
    for (let i = 0; i < 20; i++) throttle.fail([`both:${i}|1`, "address:1", `account:${i}`]);
    expect(throttle.waitSeconds(["both:new|1", "address:1", "account:new"])).toBeGreaterThan(0);
    for (let i = 0; i < 50; i++) throttle.fail([`both:a|${i}`, `address:x${i}`, "account:a"]);
    expect(throttle.waitSeconds(["both:a|new", "address:new", "account:a"])).toBeGreaterThan(0);
  });

  it("counts no attempt that was right, and wipes out none that was wrong", () => {
    const throttle = createThrottle(() => 0);
    for (let i = 0; i < 19; i++) throttle.fail(["address:1"]);
    for (let i = 0; i < 100; i++) {
      throttle.fail(["address:1"]);
      throttle.takeBack(["address:1"]);
    }
    expect(throttle.waitSeconds(["address:1"])).toBe(0);
    throttle.fail(["address:1"]);
    expect(throttle.waitSeconds(["address:1"])).toBe(900);
  });

  it("forgets after a success and stays bounded", () => {
    const throttle = createThrottle(() => 0, undefined, 1000, 2);
    for (let i = 0; i < 5; i++) throttle.fail(["both:a"]);
    throttle.succeed(["both:a"]);
    expect(throttle.waitSeconds(["both:a"])).toBe(0);
    for (let i = 0; i < 5; i++) throttle.fail(["both:a"]);
    throttle.fail(["both:b"]);
    throttle.fail(["both:c"]);
    expect(throttle.waitSeconds(["both:a"])).toBe(0);
  });
});
