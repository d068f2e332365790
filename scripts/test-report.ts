import { existsSync, readFileSync } from "node:fs";

/** Counts of single tests. */
export interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** What is read of the report of vitest's json reporter. */
interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly { readonly status: string; readonly assertionResults: readonly { readonly status: string }[] }[];
}

export function add(a: Tally, b: Tally): Tally {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped };
}

/**
 * Counts a report so that nothing that went wrong counts as nothing: a file that did not load is one failure, and so is
 * a run that ended badly without a failed test (an unhandled error, a crash).
 * @param exitCode of the vitest process
 */
export function tallyReport(report: Report, exitCode: number): Tally {
  const unloaded = report.testResults.filter(
    (file) => file.status === "failed" && file.assertionResults.every((test) => test.status !== "failed"),
  );
  const failed = report.numFailedTests + unloaded.length;
  return {
    passed: report.numPassedTests,
    failed: exitCode !== 0 && failed === 0 ? 1 : failed,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

/** Reads and counts a report file. One that is missing or cut short is one failure. */
export function readReport(file: string, exitCode: number): Tally {
  if (!existsSync(file)) return { passed: 0, failed: 1, skipped: 0 };
  try {
    return tallyReport(JSON.parse(readFileSync(file, "utf8")) as Report, exitCode);
  } catch {
    return { passed: 0, failed: 1, skipped: 0 }; // half a report: the run was killed while it wrote
  }
}
