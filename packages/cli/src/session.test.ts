import { expect, it } from "vitest";
import { demandPrivate, readUrl } from "./session.ts";

it("reads addresses as people write them: https, unless it is this machine", () => {
  expect(
    ["devflow.example.com", "https://d.example/servers?x=1", "http://10.0.0.5:8080", "localhost:8080", "127.0.0.1:8080"].map(readUrl),
  ).toEqual(["https://devflow.example.com", "https://d.example", "http://10.0.0.5:8080", "http://localhost:8080", "http://127.0.0.1:8080"]);
  for (const wrong of ["", "ftp://x", "file:///etc/passwd", "http://"]) expect(() => readUrl(wrong)).toThrow("is no address");
});

it("lets no token cross the network in clear text unasked", () => {
  for (const open of ["https://d.example", "http://localhost:1", "http://127.0.0.9:1", "http://[::1]:1"])
    expect(() => demandPrivate(open, false)).not.toThrow();
  for (const closed of ["http://10.0.0.5:8080", "http://d.example", "http://127.0.0.1.evil.example", "http://localhost.evil.example"])
    expect(() => demandPrivate(closed, false)).toThrow("plain http");
  expect(() => demandPrivate("http://10.0.0.5:8080", true)).not.toThrow();
});
