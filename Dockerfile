# Mount the configuration at /etc/holdpoint (holdpoint.yaml with `data: /data`, listeners on 0.0.0.0, and the policies).
# The gateway writes only to the data volume, so the image runs with a read-only root filesystem:
#
#   docker run --read-only --tmpfs /tmp -v holdpoint-data:/data -v ./config:/etc/holdpoint:ro \
#     -p 8080:8080 -p 127.0.0.1:8081:8081 holdpoint
#
# The image runs compiled policies and has no `opa`. To edit policies in place, mount an `opa` and set $OPA to its path.

FROM node:26-slim AS packages
WORKDIR /app
COPY package.json package-lock.json ./
# npm runs it; without the development dependencies it builds nothing.
COPY admin/console/prepare.ts admin/console/
# The base image already has Node 26, so the copy that npm installs for older machines is removed.
RUN npm ci --omit=dev && rm -rf node_modules/node-linux-* node_modules/.bin/node && npm cache clean --force

FROM node:26-slim AS console
WORKDIR /app
COPY package.json package-lock.json tsconfig.json ./
COPY admin ./admin
COPY gateway ./gateway
# `npm ci` builds the console into admin/console/dist.
RUN npm ci

FROM node:26-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=packages /app/node_modules ./node_modules
COPY package.json LICENSE ./
COPY admin ./admin
COPY audit ./audit
COPY gateway ./gateway
COPY policies ./policies
COPY --from=console /app/admin/console/dist ./admin/console/dist
RUN mkdir /data && chown node:node /data && chmod 700 /data
VOLUME /data
USER node
EXPOSE 8080 8081
# The admin listener reports the health of all processes; the agents listener may be public.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8081/-/livez').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "gateway/main.ts", "start", "--config", "/etc/holdpoint/holdpoint.yaml"]
