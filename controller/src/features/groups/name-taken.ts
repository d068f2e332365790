import { AppError } from "@devflow/errors";

/** There is a group with this name; case does not matter. */
export const nameTaken = (name: string): AppError =>
  new AppError("conflict", `There is a group "${name}" already; choose another name`, {
    details: { fields: [{ path: "name", message: "another group is called so" }] },
  });
