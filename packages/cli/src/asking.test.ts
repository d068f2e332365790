import { DevFlowError } from "@devflow/client";
import { expect, it } from "vitest";
import { reportError } from "./report-error.ts";
import { confirm, createTerminal, type Terminal } from "./terminal.ts";

/** A terminal at which somebody types `typed`, and what it was told. */
function at(typed: string | null) {
  let said = "";
  const terminal: Terminal = {
    ...createTerminal(process, {}, false),
    canAsk: typed !== null,
    err: (text) => (said += text),
    ask: (question) => ((said += question), Promise.resolve(typed ?? "")),
  };
  return { terminal, said: () => said };
}

it("goes on only when the name was typed as it is, or with --yes", async () => {
  const right = at("web-1");
  await confirm(right.terminal, undefined, "Delete web-1?", "web-1");
  expect(right.said()).toBe("Delete web-1?\nType web-1 to go on: ");
  for (const typed of ["y", "yes", "web-2", ""])
    await expect(confirm(at(typed).terminal, undefined, "Delete web-1?", "web-1")).rejects.toMatchObject({ exitCode: 1, code: "failure" });
  await expect(confirm(at(null).terminal, undefined, "Delete web-1?", "web-1")).rejects.toMatchObject({
    exitCode: 2,
    hint: "Add --yes if you are sure",
  });
  await confirm(at(null).terminal, true, "Delete web-1?", "web-1");
});

it("says where to confirm that it is you, and names the request", () => {
  const { terminal, said } = at(null);
  const error = new DevFlowError("step_up_required", "Confirm that it is you first", {
    status: 403,
    requestId: "R",
    url: "https://d.example",
  });
  expect(reportError(error, terminal, false)).toBe(4);
  expect(said()).toBe(
    "Error: Confirm that it is you first\nConfirm that it is you at https://d.example/settings/profile, then run this again; or use an API token\nRequest R in the controller's log\n",
  );
});
