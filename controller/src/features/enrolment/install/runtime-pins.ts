/** The Node runtime that agents run on: npm packages and their integrity, as package-lock.json has them (checked by a test). */
export const runtimeVersion = "24.21.0";

export const runtimePins = {
  x64: "sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==",
  arm64: "sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==",
} as const;

export type Architecture = keyof typeof runtimePins;
export const architectures = Object.keys(runtimePins) as Architecture[];
