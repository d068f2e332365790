/** What departs from tests/structure.test.ts, each with the reason. */
export const exceptions: {
  /** noun → slice → why it has nothing there */
  readonly absent: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** file over 400 lines → why */
  readonly long: Readonly<Record<string, string>>;
  /** file that reads process.env → why */
  readonly environment: Readonly<Record<string, string>>;
  /** file that names a package host or a machine's path → why */
  readonly hosts: Readonly<Record<string, string>>;
} = {
  absent: {},
  long: {},
  environment: {},
  hosts: {},
};
