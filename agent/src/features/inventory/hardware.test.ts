import { expect, it } from "vitest";
import { parseCpuinfo } from "./hardware.ts";

it("counts threads and cores of two sockets", () => {
  const cpu = (processor: number, socket: number, core: number) =>
    `processor\t: ${processor}\nmodel name\t: AMD EPYC 7R13: special\nphysical id\t: ${socket}\ncore id\t\t: ${core}\n\n`;
  const text = [cpu(0, 0, 0), cpu(1, 0, 0), cpu(2, 0, 1), cpu(3, 1, 0)].join("");
  expect(parseCpuinfo(text)).toEqual({ model: "AMD EPYC 7R13: special", threads: 4, cores: 3 });
});

it("leaves cores and model open on arm64", () => {
  expect(parseCpuinfo("processor\t: 0\nBogoMIPS\t: 50.00\nCPU part\t: 0xd0c\n\nprocessor\t: 1\n")).toEqual({
    model: "",
    threads: 2,
    cores: 0,
  });
});
