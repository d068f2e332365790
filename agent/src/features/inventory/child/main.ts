// A process of its own, started by ../read-details.ts: systeminformation takes 7 to 11 MB and starts programs, neither of
// which the agent should. Prints Details as JSON and exits.
import { existsSync } from "node:fs";
import si from "systeminformation";
import { readText } from "../../../host/files.ts";
import type { Details } from "../details.ts";
import { baseFacts, gpuOf, isModule, moduleOf } from "./from-systeminformation.ts";

/** The agent ends this process after 10 s; without an agent it ends itself. */
setTimeout(() => process.exit(1), 12_000).unref();

/** One part that fails costs only itself. */
const or = <T>(part: Promise<T>, otherwise: T): Promise<T> => part.catch(() => otherwise);

/** AMD's driver tells the size of the card's memory; lspci only the window into it. */
const amdMemory = (busAddress: string): number =>
  /^[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$/.test(busAddress) ? Number(readText(`/sys/bus/pci/devices/0000:${busAddress}/mem_info_vram_total`)) : 0;

const [graphics, modules, chassis, battery] = await Promise.all([
  or(si.graphics(), { controllers: [], displays: [] }),
  or(si.memLayout(), []),
  or(si.chassis(), null),
  or(si.battery(), null),
]);
const withoutProc = process.argv.includes("--base") || !existsSync("/proc/meminfo");
const details: Details = {
  gpus: graphics.controllers.map((controller) => gpuOf(controller, amdMemory)),
  memoryModules: modules.filter(isModule).map(moduleOf),
  chassis: chassis?.type ?? "",
  hasBattery: battery?.hasBattery ?? false,
  base: withoutProc
    ? baseFacts(
        await Promise.all([
          or(si.osInfo(), null),
          or(si.system(), null),
          or(si.cpu(), null),
          or(si.mem(), null),
          or(si.blockDevices(), []),
          or(si.diskLayout(), []),
          or(si.fsSize(), []),
        ]),
        Math.round(Date.now() / 1000 - si.time().uptime),
        si.time().timezoneName,
      )
    : null,
};
process.stdout.write(JSON.stringify(details), () => process.exit(0));
