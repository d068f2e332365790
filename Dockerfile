# syntax=docker/dockerfile:1
# The controller with everything that it serves (web pages, agent package). docs/operations/docker.md says how to run it.

FROM node:24.21.0-bookworm-slim AS build
WORKDIR /src
# Dependencies first: this layer is built again only when a manifest changes.
COPY package.json package-lock.json .npmrc ./
COPY scripts/install-hooks.mjs scripts/
COPY proto/package.json proto/
COPY packages/api/package.json packages/api/
COPY packages/catalogue/package.json packages/catalogue/
COPY packages/cli/package.json packages/cli/
COPY packages/cli/bin packages/cli/bin/
COPY packages/client/package.json packages/client/
COPY packages/errors/package.json packages/errors/
COPY packages/rpc/package.json packages/rpc/
COPY packages/testkit/package.json packages/testkit/
COPY packages/units/package.json packages/units/
COPY controller/package.json controller/
COPY agent/package.json agent/
COPY web/package.json web/
RUN CI=true npm ci
COPY . .
RUN npm run build

FROM node:24.21.0-bookworm-slim AS controller
# Numbers, so that Kubernetes can check "runAsNonRoot" and volumes keep one owner.
RUN groupadd --gid 10001 devflow \
 && useradd --uid 10001 --gid devflow --home-dir /var/lib/devflow --shell /usr/sbin/nologin devflow \
 && install -d -o devflow -g devflow -m 700 /var/lib/devflow
WORKDIR /opt/devflow
COPY --from=build /src/dist dist
COPY --from=build /src/web/build web/build
COPY --from=build /src/LICENSE LICENSE
RUN ln -s /opt/devflow/dist/cli/devflow.mjs /usr/local/bin/devflow
ENV NODE_ENV=production \
    DEVFLOW_HOST=0.0.0.0 \
    DEVFLOW_DATA_DIR=/var/lib/devflow \
    DEVFLOW_LOCAL_AGENT=off
USER 10001:10001
VOLUME /var/lib/devflow
EXPOSE 8080 8443 8444
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + (process.env.DEVFLOW_PORT || 8080) + '/healthz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "dist/controller/main.js"]
