import { createHash, randomBytes } from "node:crypto";

/** A new API token: 256 random bits behind a prefix that people and secret scanners recognise. */
export const newTokenSecret = (): string => `devflow_api_${randomBytes(32).toString("base64url")}`;

/** SHA-256, hexadecimal; enough for a secret of 256 random bits. */
export const tokenHash = (secret: string): string => createHash("sha256").update(secret).digest("hex");

/** The first characters, by which a person finds the token again. */
export const tokenPrefix = (secret: string): string => secret.slice(0, secret.startsWith("devflow_api_") ? 18 : 4);
