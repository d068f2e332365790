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
  absent: {
    cli: {
      proto: "agents have certificates instead",
      agent: "agents have certificates instead",
    },
    groups: {
      proto: "agents know no groups",
      agent: "agents know no groups",
    },
    organizations: {
      proto: "agents know no organisations",
      agent: "agents know no organisations",
    },
    events: {
      proto: "the controller writes events from what agents do",
      agent: "the controller writes events from what agents do",
    },
    webhooks: {
      proto: "the controller sends webhooks",
      agent: "the controller sends webhooks",
    },
    settings: {
      proto: "agents have a configuration file",
      agent: "agents have a configuration file",
    },
    mcp: {
      proto: "part of the command line, packages/cli/src/mcp",
      api: "part of the command line, packages/cli/src/mcp",
      controller: "part of the command line, packages/cli/src/mcp",
      agent: "part of the command line, packages/cli/src/mcp",
      web: "part of the command line, packages/cli/src/mcp",
    },
    servers: {
      proto: "agents tell of themselves in session and inventory",
      agent: "agents tell of themselves in session and inventory",
    },
    session: {
      api: "its state is part of servers",
      web: "its state is part of servers",
      agent: "agent/src/session, which every feature there stands on",
    },
    tasks: {
      api: "only the wire is settled so far",
      controller: "only the wire is settled so far",
      agent: "only the wire is settled so far",
      web: "only the wire is settled so far",
      docs: "only the wire is settled so far",
    },
    tokens: {
      proto: "agents have certificates instead",
      agent: "agents have certificates instead",
    },
    users: {
      proto: "agents know no users",
      agent: "agents know no users",
    },
  },
  long: {},
  environment: {
    "controller/src/features/enrolment/install/runtime-files.ts": "hands npm's own settings on to npm, and none of the controller's",
    "controller/src/features/enrolment/local-agent/run-as.ts": "hands search path and time zone on to the agent, and nothing else",
    "agent/src/features/enrolment/request.ts": "the proxy variables of whoever runs the install line, which are no settings of the agent",
  },
  hosts: {},
};
