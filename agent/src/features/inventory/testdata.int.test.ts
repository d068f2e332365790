import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { parseCpuinfo } from "./hardware.ts";

const cpuOf = (name: string) => parseCpuinfo(readFileSync(new URL(`./testdata/cpuinfo-${name}`, import.meta.url), "utf8"));

it("reads the processors of other machines", () => {
  expect(cpuOf("arm64-server")).toEqual({ model: "", threads: 4, cores: 0 });
  expect(cpuOf("arm64-raspberry-pi-4")).toEqual({ model: "", threads: 4, cores: 0 });
  expect(cpuOf("lxc")).toEqual({ model: "Intel(R) Xeon(R) Silver 4214 CPU @ 2.20GHz", threads: 2, cores: 2 });
});
