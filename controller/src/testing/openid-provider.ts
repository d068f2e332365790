import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import Provider from "oidc-provider";

/** What somebody at the provider is, by the name they sign in with. */
export type ProviderPeople = Readonly<Record<string, { readonly email: string; readonly email_verified: boolean; readonly name: string }>>;

export const providerSecret = "a secret of the client";

export interface TestProvider {
  readonly issuer: string;
  readonly server: Server;
  /** Ends it at once, open connections too; its address stays free for resume(). */
  stop(): Promise<void>;
  resume(): Promise<void>;
}

/**
 * A real OpenID provider with its own pages for signing in (any password) and consenting; its client is "devflow" with
 * providerSecret.
 * @param redirectUri where it sends browsers back to
 */
export async function startProvider(redirectUri: string, people: ProviderPeople): Promise<TestProvider> {
  const server = createServer();
  const listen = (port: number) => new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  await listen(0);
  const { port } = server.address() as AddressInfo;
  const issuer = `http://127.0.0.1:${port}`;
  const provider = new Provider(issuer, {
    clients: [{ client_id: "devflow", client_secret: providerSecret, redirect_uris: [redirectUri] }],
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
    pkce: { required: () => true },
    findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => ({ sub, ...people[sub] }) }),
    cookies: { keys: ["test"] },
    features: { devInteractions: { enabled: true } },
  });
  const handler = provider.callback();
  server.on("request", (request, response) => void handler(request, response));
  return {
    issuer,
    server,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
    resume: () => listen(port),
  };
}
