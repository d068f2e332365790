import { AppError } from "@devflow/errors";
import { DrizzleQueryError } from "drizzle-orm";
import { describe, expect, it } from "vitest";
import { createLog } from "./index.ts";

const logged = (value: object) => {
  const lines: string[] = [];
  createLog("info", { write: (line) => void lines.push(line) }).error(value, "it failed");
  return lines.join("");
};

describe("the log", () => {
  it("holds no value of a query that failed, however deep its error is", () => {
    const query = new DrizzleQueryError('select * from "sessions" where "token" = $1', ["s3cret-session"], new Error("connection lost"));
    for (const err of [query, new AppError("unavailable", "The database is away", { cause: new Error("outer", { cause: query }) })]) {
      const line = logged({ err });
      expect(line).not.toContain("s3cret-session");
      expect(line).toContain("connection lost");
      expect(line).toContain("sessions");
    }
  });

  it("keeps message, stack, code and cause of other errors", () => {
    const line = logged({ err: new AppError("conflict", "two at once", { cause: new TypeError("first") }) });
    for (const part of ["two at once", "first", "log.test.ts", '"code":"conflict"']) expect(line).toContain(part);
  });

  it("holds no value under a secret's name", () => {
    expect(logged({ token: "s3cret", request: { headers: { cookie: "s3cret" } }, body: { password: "s3cret" } })).not.toContain("s3cret");
  });
});
