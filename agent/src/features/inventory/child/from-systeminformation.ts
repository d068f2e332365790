import type { Systeminformation } from "systeminformation";
import type { BaseFacts, Gpu, MemoryModule } from "../details.ts";

const MEBIBYTE = 2 ** 20;

/**
 * A GPU. Its memory is told by NVIDIA's tool, or by `memoryAt` (bytes, by PCI address): the `vram` of lspci is the
 * window that the processor sees, often a fraction of the memory.
 */
export function gpuOf(controller: Systeminformation.GraphicsControllerData, memoryAt: (busAddress: string) => number): Gpu {
  return {
    vendor: controller.vendor ?? "",
    model: controller.name || controller.model || "",
    memoryBytes: controller.memoryTotal ? controller.memoryTotal * MEBIBYTE : memoryAt(controller.busAddress ?? ""),
  };
}

/** Whether an entry is a module: without root the library gives the whole memory as one without slot and type. */
export const isModule = (m: Systeminformation.MemLayoutData): boolean => m.size > 0 && m.type !== "" && m.type !== "Empty";

export const moduleOf = (m: Systeminformation.MemLayoutData): MemoryModule => ({
  slot: m.bank ?? "",
  sizeBytes: m.size,
  type: m.type ?? "",
  speedMts: m.clockSpeed ?? 0,
});

/** In the order of the calls in main.ts. */
type Answers = readonly [
  Systeminformation.OsData | null,
  Systeminformation.SystemData | null,
  Systeminformation.CpuData | null,
  Systeminformation.MemData | null,
  readonly Systeminformation.BlockDevicesData[],
  readonly Systeminformation.DiskLayoutData[],
  readonly Systeminformation.FsSizeData[],
];

/** Base facts; disks are whole devices, with the model that their layout tells. */
export function baseFacts(
  [os, system, cpu, memory, devices, layout, filesystems]: Answers,
  bootTimeS: number,
  timeZone: string,
): BaseFacts {
  return {
    osName: [os?.distro, os?.release].filter(Boolean).join(" "),
    osId: os?.platform ?? "",
    osVersion: os?.release ?? "",
    kernel: os?.kernel ?? "",
    product: system?.model ?? "",
    cpuModel: [cpu?.manufacturer, cpu?.brand].filter(Boolean).join(" "),
    cpuThreads: cpu?.cores ?? 0,
    cpuCores: cpu?.physicalCores ?? 0,
    memoryBytes: memory?.total ?? 0,
    swapBytes: memory?.swaptotal ?? 0,
    bootTimeS,
    timeZone,
    blockDevices: devices
      .filter((d) => d.type === "disk" && d.size > 0)
      .map((d) => ({
        name: d.name,
        sizeBytes: d.size,
        model: d.model || (layout.find((l) => l.device.endsWith(d.name))?.name ?? ""),
        rotational: d.physical === "HDD",
      })),
    filesystems: filesystems.map((f) => ({ mountPoint: f.mount, device: f.fs, type: f.type, sizeBytes: f.size })),
  };
}
