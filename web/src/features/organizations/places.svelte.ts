import type { CustomRole, Team } from "@devflow/api";
import { call } from "#api/client.ts";
import { organizations } from "#api/organizations.ts";

interface Named {
  readonly id: string;
  readonly name: string;
}

/** What roles are chosen from and given over: custom roles, teams, server groups. Loaded when a dialogue opens. */
export class Choices {
  roles = $state.raw<readonly CustomRole[]>([]);
  teams = $state.raw<readonly Team[]>([]);
  groups = $state.raw<readonly Named[]>([]);

  /** What cannot be listed is left out: a role over everything can be given all the same. */
  async load(): Promise<void> {
    const or = <T>(work: Promise<T[]>) => work.catch((): T[] => []);
    [this.roles, this.teams, this.groups] = await Promise.all([
      or(organizations.roles()),
      or(organizations.teams()),
      or(call<{ items: Named[] }>("GET", "/api/v1/groups").then(({ items }) => items)),
    ]);
  }
}
