import { expect, it } from "vitest";
import { withoutSecrets } from "./runtime-files.ts";

it("npm gets its own settings and none of the controller's", () => {
  const own = { PATH: "/bin", HOME: "/root", HTTPS_PROXY: "http://proxy:3128", npm_config_registry: "https://registry.example.com" };
  const secret = { DEVFLOW_SECRET_KEY: "k", DEVFLOW_ADMIN_PASSWORD: "p", DATABASE_URL: "postgres://u:p@h/d", PGPASSWORD: "p" };
  expect(withoutSecrets({ ...own, ...secret })).toEqual(own);
});
