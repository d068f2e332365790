import type { Config } from "../../../config.ts";
import { createHash, randomBytes } from "node:crypto";

/** A new invitation's code: 256 random bits behind a prefix that people and secret scanners recognise. */
export const newCode = (): string => `devflow_invite_${randomBytes(32).toString("base64url")}`;

/** SHA-256, hexadecimal; all that is kept of a code. */
export const codeHash = (code: string): string => createHash("sha256").update(code).digest("hex");

/** The page that accepts it. The code stands behind #, so that no proxy or log sees it. */
export const invitationLink = ({ publicUrl, port }: Pick<Config, "publicUrl" | "port">, code: string): string =>
  `${publicUrl?.origin ?? `http://localhost:${port}`}/invite#${code}`;
