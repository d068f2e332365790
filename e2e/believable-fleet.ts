import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { CellWriter, columnsOf, families } from "@devflow/catalogue";
import { InventorySchema } from "@devflow/proto/inventory/v1/inventory";
import type { FamilyRows } from "@devflow/proto/metrics/v1/metrics";

import { startAgent, type RunningAgent } from "../agent/src/agent.ts";
import { createLog } from "../agent/src/log.ts";
import type { InventorySource, MetricSource } from "../agent/src/feature.ts";
import { encodeBatch } from "../agent/src/session/sender.ts";
import { Spool } from "../agent/src/session/spool/spool.ts";
import { writeAgentFile } from "../agent/src/state/agent-file.ts";
import { writeFirstCredentials } from "../agent/src/state/credentials.ts";
import { instancesOf, inventoryOf, machine, valueAt, type Machine } from "../web/mock/machines.ts";
import type { ControllerProcess } from "./controller-process.ts";

const INTERVAL_S = 10;
const silent = createLog("silent", false);

/** Machines of the generated fleet in the order in which a small one takes them: a full disk, a full memory and one that goes offline early on. */
const order = [0, 9, 2, 8, 10, 4, 1, 5, 6, 3, 12, 7, 16, 17, 11, 13, 14, 15, 18, 19, 20, 21, 22, 24] as const;
/** Leaves as soon as its past is delivered. */
const OFFLINE = 10;

/** A small fleet as it looks in use: the agent's own session and spool, values of machines that do not exist. */
export interface BelievableFleet {
  /** Of `name`, which has to be in the fleet. */
  id(name: string): string;
  /** Waits until everything measured before is in the database. */
  settled(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Connects one agent for each identity of the controller. What it measured before waits in its spool and is delivered
 * as after an outage.
 * @param options.pastHours default 3
 */
export async function startBelievableFleet(
  controller: ControllerProcess,
  { pastHours = 3 }: { pastHours?: number } = {},
): Promise<BelievableFleet> {
  const nowMs = Date.now();
  const members = controller.identities.map((identity, i) => {
    const number = order[i];
    if (number === undefined) throw new Error(`expected at most ${order.length} agents, found ${controller.identities.length}`);
    return { identity, number, machine: machine(number, nowMs), stateDir: join(controller.dataDir, "fleet", String(i)) };
  });
  const running = new Map<(typeof members)[number], RunningAgent>();
  for (const member of members) {
    const { identity, stateDir } = member;
    await mkdir(stateDir, { recursive: true });
    await writeFirstCredentials(stateDir, { ...identity, caPem: controller.caPem, taskSigningPem: "" });
    await writeAgentFile(stateDir, {
      controllerHost: "127.0.0.1",
      gatewayPort: controller.gatewayPort,
      enrolPort: controller.enrolPort,
      gatewayName: controller.gatewayName,
      agentId: identity.agentId,
    });
  }
  // Long ago first, which takes its time; what was missed meanwhile just before each agent starts.
  const startS = Math.floor(nowMs / 1000 / INTERVAL_S) * INTERVAL_S;
  for (const { stateDir, machine: m } of members) await writePast(stateDir, m, startS - pastHours * 3600, startS);
  for (const member of members) {
    const { machine: m, stateDir } = member;
    await writePast(stateDir, m, startS, Math.floor(Date.now() / 1000 / INTERVAL_S) * INTERVAL_S);
    const agent = await startAgent({
      stateDir,
      metrics: [sourceOf(m)],
      inventory: inventorySourceOf(m),
      renewExpired: null,
      checkpoints: null,
      log: silent,
    });
    running.set(member, agent);
  }
  return {
    id(name) {
      const found = members.find((m) => m.machine.server.name === name);
      if (!found) throw new Error(`no ${name} in the fleet; there are ${members.map((m) => m.machine.server.name).join(", ")}`);
      return found.identity.agentId;
    },
    async settled() {
      // What is newer than a minute may always wait.
      while ([...running.values()].some((agent) => agent.status().state !== "ready" || agent.status().spool.batches > 6)) {
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
      for (const [member, agent] of running) {
        const { status } = await send(controller, "PATCH", `/api/v1/servers/${member.identity.agentId}`, {
          name: member.machine.server.name,
        });
        if (status !== 200) throw new Error(`naming a server was answered with ${status}`);
        if (member.number === OFFLINE) {
          await agent.stop();
          running.delete(member);
        }
      }
    },
    async stop() {
      await Promise.all([...running.values()].map((agent) => agent.stop()));
      await rm(join(controller.dataDir, "fleet"), { recursive: true, force: true });
    },
  };
}

const send = (controller: ControllerProcess, method: string, path: string, body: object) =>
  fetch(controller.url + path, {
    method,
    headers: { authorization: `Bearer ${controller.token}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });

/** Rows of the seconds from one to another: the mean and the maximum of each measure. */
function rowsOf(m: Machine, fromS: number, seconds: readonly number[]): FamilyRows[] {
  const writer = new CellWriter(4096);
  return families.map((family) => {
    const instances = instancesOf(m, family.name);
    const columns = columnsOf(family);
    for (const instance of instances) {
      for (const { measure, aggregate } of columns) {
        const values = seconds.map((s) => valueAt(m, family.name, measure.name, instance, fromS + s)).filter((v) => v !== null);
        const value = aggregate === "max" ? Math.max(...values) : values.reduce((sum, v) => sum + v, 0) / values.length;
        writer.write(values.length === 0 ? null : Math.round(value / measure.step));
      }
    }
    return { $typeName: "devflow.metrics.v1.FamilyRows", family: family.id, columns: columns.length, instances, cells: writer.take() };
  });
}

/** Every third second says enough of an interval that is over. */
const SOME_SECONDS = [0, 3, 6, 9];

/** Puts intervals from a start (seconds since 1970) to before an end into an agent's spool. */
async function writePast(stateDir: string, m: Machine, fromS: number, untilS: number): Promise<void> {
  const spool = await Spool.open({ dir: join(stateDir, "spool"), maxMemoryBytes: 256 * 1024 * 1024 });
  const bootId = crypto.randomUUID();
  for (let timeS = fromS; timeS < untilS; timeS += INTERVAL_S) {
    if (valueAt(m, "host", "cpu_busy", "", timeS) === null) continue; // it was down
    const families = rowsOf(m, timeS, SOME_SECONDS);
    const encode = (sequence: number) => encodeBatch({ sequence, timeS, bootId, endMs: timeS * 1000, samples: 10, families });
    spool.append({ timeS, settled: true, encode }, untilS);
  }
  await spool.close();
}

/** What a collector would tell each second. */
function sourceOf(m: Machine): MetricSource {
  const now = () => Math.floor(Date.now() / 1000);
  let samples = 0;
  return {
    sample() {
      samples++;
    },
    latest() {
      const second = now();
      return { bytes: 4096, encode: () => rowsOf(m, second, [0]) };
    },
    takeInterval() {
      const taken = Math.min(samples, INTERVAL_S);
      samples = 0;
      return { samples: taken, families: taken === 0 ? [] : rowsOf(m, now() - INTERVAL_S, SOME_SECONDS) };
    },
  };
}

const bytes = (n: number): bigint => BigInt(Math.round(n));

function inventorySourceOf(m: Machine): InventorySource {
  const {
    bootTime,
    memoryBytes,
    swapBytes,
    blockDevices,
    filesystems,
    gpus,
    memoryModules,
    updatesPending,
    securityUpdatesPending,
    ...told
  } = inventoryOf(m, Date.now());
  const inventory = create(InventorySchema, {
    hostname: told.hostname,
    osName: told.osName,
    osId: told.osId,
    osVersion: told.osVersion,
    kernel: told.kernel,
    architecture: told.architecture,
    virtualization: told.virtualization,
    cpuModel: told.cpuModel,
    cpuThreads: told.cpuThreads,
    cpuCores: told.cpuCores,
    timeZone: told.timeZone,
    init: told.init,
    cloud: told.cloud,
    product: told.product,
    rebootRequired: told.rebootRequired,
    runtimeVersion: told.runtimeVersion,
    chassis: told.chassis,
    hasBattery: told.hasBattery,
    interfaces: told.interfaces,
    listeningPorts: told.listeningPorts,
    memoryBytes: bytes(memoryBytes),
    swapBytes: bytes(swapBytes),
    bootTimeS: bytes(Date.parse(bootTime) / 1000),
    machineFingerprint: m.seed.toString(16).padStart(64, "0"),
    blockDevices: blockDevices.map((row) => ({ ...row, sizeBytes: bytes(row.sizeBytes) })),
    filesystems: filesystems.map((row) => ({ ...row, sizeBytes: bytes(row.sizeBytes) })),
    gpus: gpus.map((row) => ({ ...row, memoryBytes: bytes(row.memoryBytes) })),
    memoryModules: memoryModules.map((row) => ({ ...row, sizeBytes: bytes(row.sizeBytes) })),
    ...(updatesPending !== null && { updatesPending }),
    ...(securityUpdatesPending !== null && { securityUpdatesPending }),
  });
  return {
    watch(onChange) {
      const timer = setTimeout(() => onChange(inventory), 500);
      return () => clearTimeout(timer);
    },
  };
}
