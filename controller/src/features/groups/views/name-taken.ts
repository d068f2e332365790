import { AppError } from "@devflow/errors";

/** The same person has a view with this name. */
export const viewNameTaken = (name: string): AppError =>
  new AppError("conflict", `You have a view "${name}" already; choose another name`, {
    details: { fields: [{ path: "name", message: "another view of yours is called so" }] },
  });
