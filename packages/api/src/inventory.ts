import { z } from "zod";
import { id, time } from "./platform.ts";

/** What a machine is; the fields of proto/devflow/inventory. */
export const inventory = z
  .object({
    serverId: id,
    updatedAt: time,
    hostname: z.string(),
    osName: z.string(),
    osId: z.string(),
    osVersion: z.string(),
    kernel: z.string(),
    architecture: z.string(),
    virtualization: z.string(),
    cpuModel: z.string(),
    cpuThreads: z.int(),
    cpuCores: z.int(),
    memoryBytes: z.number(),
    swapBytes: z.number(),
    bootTime: time,
    blockDevices: z.array(z.object({ name: z.string(), sizeBytes: z.number(), model: z.string(), rotational: z.boolean() })),
    filesystems: z.array(z.object({ mountPoint: z.string(), device: z.string(), type: z.string(), sizeBytes: z.number() })),
    interfaces: z.array(z.object({ name: z.string(), mac: z.string(), addresses: z.array(z.string()), speedMbits: z.int() })),
    timeZone: z.string(),
    init: z.string(),
    cloud: z.string(),
    product: z.string(),
    rebootRequired: z.boolean(),
    listeningPorts: z.array(z.object({ protocol: z.string(), address: z.string(), port: z.int(), process: z.string() })),
    runtimeVersion: z.string(),
    gpus: z.array(z.object({ vendor: z.string(), model: z.string(), memoryBytes: z.number() })),
    memoryModules: z.array(z.object({ slot: z.string(), sizeBytes: z.number(), type: z.string(), speedMts: z.int() })),
    chassis: z.string(),
    hasBattery: z.boolean(),
    /** Null: not known. */
    updatesPending: z.int().nullable(),
    /** Null: not known. */
    securityUpdatesPending: z.int().nullable(),
  })
  .meta({ id: "Inventory" });
export type Inventory = z.infer<typeof inventory>;
