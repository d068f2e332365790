/** Settings whose value is a secret, or may hold one: each may be given as a file by the same name with _FILE. */
const secrets = [
  "DATABASE_URL",
  "DATABASE_DIRECT_URL",
  "DEVFLOW_SECRET_KEY",
  "DEVFLOW_NEW_SECRET_KEY",
  "DEVFLOW_ADMIN_PASSWORD",
  "DEVFLOW_BOOTSTRAP_TOKEN",
];

type Environment = Record<string, string | undefined>;

/**
 * Replaces NAME_FILE by NAME with the file's contents, for Docker and systemd credentials: an environment variable shows
 * in `docker inspect` and /proc, a file of mode 600 does not. One line break at the end is not part of the secret.
 * @param read gives a file's text, usually readFileSync
 * @throws Error with one line for each file that cannot be read or is empty, and for a setting that is given twice
 */
export function withSecretFiles(env: Environment, read: (path: string) => string): Environment {
  const result = { ...env };
  const problems: string[] = [];
  for (const name of secrets) {
    const setting = `${name}_FILE`;
    const path = env[setting];
    delete result[setting];
    if (path === undefined || path === "") continue;
    if (env[name]) {
      problems.push(`${name} and ${setting} are both set; set one of them`);
      continue;
    }
    try {
      const secret = read(path).replace(/\r?\n$/, "");
      if (secret === "") problems.push(`${setting}: ${path} is empty`);
      result[name] = secret;
    } catch (error) {
      problems.push(`${setting}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  if (problems.length > 0) throw new Error(`Settings are wrong:\n${problems.map((line) => `  ${line}`).join("\n")}`);
  return result;
}
