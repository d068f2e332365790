import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { testWeb, type TestWeb } from "../../controller/src/testing/web.ts";
import { createLog } from "../../controller/src/platform/log/index.ts";
import { fuzz } from "./run.ts";

/** npm run fuzz -- --requests 20000 --seed 7 */
const requests = Number(process.env["DEVFLOW_TEST_FUZZ_REQUESTS"] ?? 2_500);
const seed = Number(process.env["DEVFLOW_TEST_FUZZ_SEED"] ?? 1);

describe("every route, asked badly by everybody", () => {
  let web: TestWeb;
  const log: string[] = [];
  beforeAll(async () => {
    // Behind a proxy, so that each who asks has an address of its own.
    const publicUrl = new URL("https://devflow.example.com");
    web = await testWeb({ trustedProxies: ["127.0.0.1"], publicUrl }, { log: createLog("info", { write: (line) => void log.push(line) }) });
  });
  afterAll(() => web.close());

  it(`answers ${requests} requests (seed ${seed}) as its description says, and changes nothing when it refuses`, async () => {
    const report = await fuzz(web, { requests, seed, takeLog: () => log.splice(0) });
    console.log(JSON.stringify({ requests: report.sent, seed, statuses: report.statuses }));
    console.log(["Never did what they were asked:", ...report.never].join("\n  "));
    expect(report.findings.join("\n")).toBe("");
    // It reached depth: most routes did what they are for, and none was forgotten.
    expect(report.never.length).toBeLessThan(report.routes.size / 2);
    expect([...report.routes].filter(([, [sent]]) => sent < requests / report.routes.size / 3)).toEqual([]);
  }, 3_600_000);
});
