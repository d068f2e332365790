import { describe, expect, it } from "vitest";
import { agentUser } from "./run-as.ts";

const nobody = "nobody:x:65534:65534::/:/usr/sbin/nologin\n";

describe.runIf(process.getuid?.() === 0)("the agent of a controller that runs as root", () => {
  it("gets the user devflow, but never root's number or the database's user", () => {
    expect(agentUser(null, `devflow:x:990:991::/:\n${nobody}`)).toEqual({ uid: 990, gid: 991 });
    expect(agentUser(990, `devflow:x:990:991::/:\n${nobody}`)?.uid).toBe(60_900);
    expect(agentUser(null, "devflow:x:0:0::/:\n")?.uid).toBe(60_900);
  });

  it("otherwise gets a number that nobody else has, never nobody's", () => {
    expect(agentUser(65_534, nobody)).toEqual({ uid: 60_900, gid: 60_900 });
    expect(agentUser(60_901, `taken:x:60900:100::/:\n${nobody}`)).toEqual({ uid: 60_902, gid: 60_902 });
  });
});
