import { AppError } from "@devflow/errors";

/** Values that install.sh is served with. */
export interface ScriptValues {
  readonly host: string;
  readonly enrolPort: number;
  /** Base64 SHA-256 of the enrolment listener's public key. */
  readonly keyPin: string;
  /** Hexadecimal SHA-256 of the CA certificate. */
  readonly caFingerprint: string;
  readonly version: string;
  readonly runtimeFlags: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

const patterns: Record<string, RegExp> = {
  DEVFLOW_HOST: /^(?:[A-Za-z0-9.-]{1,253}|[0-9a-fA-F:.]{2,45})$/,
  DEVFLOW_ENROL_PORT: /^\d{1,5}$/,
  DEVFLOW_KEY_PIN: /^[A-Za-z0-9+/]{43}=$/,
  DEVFLOW_CA: /^[0-9a-f]{64}$/,
  DEVFLOW_VERSION: /^[0-9A-Za-z.+-]{1,64}$/,
  DEVFLOW_RUNTIME_FLAGS: /^[A-Za-z0-9_=. -]{0,500}$/,
  DEVFLOW_ENVIRONMENT: /^[A-Za-z0-9_=. -]{0,500}$/,
};

/**
 * install.sh with this controller's values in its lines NAME='' at the top. Each value is checked against a strict
 * pattern, since it becomes part of a script that root runs.
 * Throws AppError internal when a value does not fit or the script has no line for it.
 */
export function fillScript(script: string, values: ScriptValues): string {
  const lines: Record<string, string> = {
    DEVFLOW_HOST: values.host,
    DEVFLOW_ENROL_PORT: String(values.enrolPort),
    DEVFLOW_KEY_PIN: values.keyPin,
    DEVFLOW_CA: values.caFingerprint,
    DEVFLOW_VERSION: values.version,
    DEVFLOW_RUNTIME_FLAGS: values.runtimeFlags.join(" "),
    DEVFLOW_ENVIRONMENT: Object.entries(values.environment)
      .map(([name, value]) => `${name}=${value}`)
      .join(" "),
  };
  return Object.entries(lines).reduce((text, [name, value]) => {
    if (!patterns[name]?.test(value)) throw new AppError("internal", `install.sh: ${name} may not be ${JSON.stringify(value)}`);
    const line = `\n${name}=''\n`;
    if (!text.includes(line)) throw new AppError("internal", `install.sh has no line ${name}=''`);
    return text.replace(line, () => `\n${name}='${value}'\n`);
  }, script);
}
