import type { Reporter, TestCase } from "vitest/node";

/** Vitest's reporter of tests that passed only when they were tried again. Each is a defect: of the test, or of what it tests. */
export default class SecondTries implements Reporter {
  readonly #names: string[] = [];

  onTestCaseResult(test: TestCase): void {
    if (test.diagnostic()?.flaky) this.#names.push(`${test.module.relativeModuleId} > ${test.fullName}`);
  }

  onTestRunEnd(): void {
    for (const name of this.#names) console.log(`Passed at the second try: ${name}`);
  }
}
