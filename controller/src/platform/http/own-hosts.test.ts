import { expect, it } from "vitest";
import { createOwnHosts } from "./own-hosts.ts";

const isOwn = createOwnHosts({ publicHost: "devflow.example.com", allowed: ["Inside.example.net"], machine: "server-1.example.org" });

it("knows what no other site can have, and what was named", () => {
  for (const host of [
    "127.0.0.1",
    "192.168.1.4",
    "[::1]",
    "[fd00::1]",
    "localhost",
    "app.localhost",
    "controller",
    "devflow.example.com",
    "DEVFLOW.example.com.",
    "inside.example.net",
    "server-1.example.org",
  ])
    expect([host, isOwn(host)]).toEqual([host, true]);
});

it("refuses every other name", () => {
  for (const host of [
    "evil.example",
    "devflow.example.com.evil.example",
    "x.devflow.example.com",
    "127.0.0.1.evil.example",
    "localhost.evil",
  ])
    expect([host, isOwn(host)]).toEqual([host, false]);
  expect(createOwnHosts({ publicHost: null, allowed: [], machine: "" })("devflow.example.com")).toBe(false);
});
