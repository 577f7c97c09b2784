# Backtalk in a container: built in one stage, run in another that holds the bundle and what the bundle leaves out.
# The data folder is /data; a folder of the host mounted there must belong to uid 10001.

FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# No package needs its install script, and our own `prepare` would build before the sources are here.
RUN npm ci --ignore-scripts
COPY src src
RUN npm run build
# The bundle holds every package but those that the build script calls external: only these and what they depend on stay,
# in the versions of the lock file.
RUN node -e " \
      const fs = require('node:fs'); \
      const manifest = JSON.parse(fs.readFileSync('package.json', 'utf8')); \
      const external = manifest.scripts.build.match(/(?<=--external:)\S+/g); \
      manifest.dependencies = Object.fromEntries(external.map((name) => [name, manifest.dependencies[name]])); \
      delete manifest.devDependencies; \
      delete manifest.overrides; \
      fs.writeFileSync('package.json', JSON.stringify(manifest));" \
    && npm prune --ignore-scripts --offline

FROM node:24-bookworm-slim
RUN groupadd --gid 10001 backtalk \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin backtalk \
    && install --directory --owner=10001 --group=10001 --mode=0700 /data
WORKDIR /app
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
# Read at run time, from beside dist/.
COPY drizzle drizzle
COPY src/judge/starter/model.bin src/judge/starter/model.bin
COPY package.json LICENSE ./

ENV NODE_ENV=production HOST=0.0.0.0 PORT=8080 DATA_DIR=/data
USER 10001:10001
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["node", "-e", "fetch('http://127.0.0.1:' + (process.env.PORT || 8080) + '/healthz').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# Not through npm: node itself must get the SIGTERM.
CMD ["node", "--enable-source-maps", "dist/main.js"]
