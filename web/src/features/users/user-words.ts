import type { InstallationUser } from "@devflow/api";

const names = { hasPassword: "password", totp: "authenticator", passkey: "passkey", linked: "provider" } as const;

/** By what somebody signs in, for people: "password, authenticator". */
export const factorWords = (factors: InstallationUser["factors"]): string =>
  (Object.keys(names) as (keyof typeof names)[])
    .filter((factor) => factors[factor])
    .map((factor) => names[factor])
    .join(", ") || "none";
