import { describe, expect, it } from "vitest";
import { add, readReport, tallyReport } from "./test-report.ts";

const report = (over: object = {}) => ({
  numPassedTests: 3,
  numFailedTests: 0,
  numPendingTests: 1,
  numTodoTests: 0,
  testResults: [],
  ...over,
});

describe("counting vitest reports", () => {
  it("counts single tests", () => {
    expect(tallyReport(report({ numFailedTests: 2 }), 1)).toEqual({ passed: 3, failed: 2, skipped: 1 });
  });

  it("counts a file that did not load as one failure", () => {
    const files = [
      { status: "failed", assertionResults: [] },
      { status: "passed", assertionResults: [{ status: "passed" }] },
    ];
    expect(tallyReport(report({ testResults: files }), 1)).toEqual({ passed: 3, failed: 1, skipped: 1 });
  });

  it("counts a file with failed tests by its tests alone", () => {
    const files = [{ status: "failed", assertionResults: [{ status: "failed" }, { status: "passed" }] }];
    expect(tallyReport(report({ numFailedTests: 1, testResults: files }), 1).failed).toBe(1);
  });

  it("never calls a run good that ended badly", () => {
    expect(tallyReport(report(), 1).failed).toBe(1);
    expect(readReport("/nowhere/report.json", 0).failed).toBe(1);
  });

  it("adds", () => {
    expect(add({ passed: 1, failed: 2, skipped: 3 }, { passed: 10, failed: 20, skipped: 30 })).toEqual({
      passed: 11,
      failed: 22,
      skipped: 33,
    });
  });
});
