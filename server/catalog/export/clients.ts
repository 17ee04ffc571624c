import { stringify } from 'smol-toml'
import type { CatalogHeader, CatalogVariable } from '#contracts/catalog.ts'
import { commandOf, type Exported, type Say, sayLost } from './parts.ts'

/** How a format writes that something has to be filled in. */
interface Fill {
  variable: (entry: Exported, asked: CatalogVariable) => string
  header: (entry: Exported, asked: CatalogHeader) => string
  argument: (entry: Exported, key: string) => string
}

/** `${NAME}` as Claude Code fills it in from the environment. */
const FROM_ENVIRONMENT: Fill = {
  variable: (_, { name }) => `\${${name}}`,
  header: (_, { name }) => `\${${constant(name)}}`,
  argument: (_, key) => `\${${constant(key)}}`,
}

/** The desktop's file fills nothing in: somebody has to write theirs over it. */
const BY_HAND: Fill = {
  variable: (_, { name }) => `<${name}>`,
  header: (_, { name }) => `<${constant(name)}>`,
  argument: (_, key) => `<${constant(key)}>`,
}

type Server = Record<string, unknown>

export function claudeDesktop(all: readonly Exported[], say: Say): string {
  const servers = serversOf(all, BY_HAND, say, (one, headers) => {
    const args = ['-y', 'mcp-remote', urlOf(one)]
    for (const [name, value] of Object.entries(headers)) args.push('--header', `${name}: ${value}`)
    return { command: 'npx', args }
  })
  if (/<[A-Z_0-9]+>/.test(JSON.stringify(servers))) say('Write your own values where <…> stands.')
  return json({ mcpServers: servers })
}

export function mcpJson(all: readonly Exported[], say: Say): string {
  const servers = serversOf(all, FROM_ENVIRONMENT, say, remoteServer)
  return json({ mcpServers: servers })
}

/** With an input for everything that is asked for, so that the editor asks its user. */
export function vscode(all: readonly Exported[], say: Say): string {
  const inputs: Server[] = []
  const ask = (
    id: string,
    asked: {
      title?: string | undefined
      description?: string | undefined
      secret?: boolean
      choices?: string[] | undefined
    },
  ) => {
    const description = asked.description ?? asked.title ?? id
    inputs.push(
      asked.choices
        ? { type: 'pickString', id, description, options: asked.choices }
        : { type: 'promptString', id, description, ...(asked.secret && { password: true }) },
    )
    return `\${input:${id}}`
  }
  const fill: Fill = {
    variable: ({ entry }, asked) => ask(`${entry.slug}.${asked.name}`, asked),
    header: ({ entry }, asked) => ask(`${entry.slug}.${asked.name}`, asked),
    argument: ({ entry, release }, key) =>
      ask(`${entry.slug}.${key}`, release.arguments.find((one) => one.key === key) ?? {}),
  }
  const servers = serversOf(all, fill, say, remoteServer, { type: 'stdio' })
  return json({ ...(inputs.length > 0 && { inputs }), servers })
}

/** Tables of Codex' config.toml; what is asked for is passed on from the environment of whoever starts it. */
export function codex(all: readonly Exported[], say: Say): string {
  const servers: Record<string, Server> = {}
  for (const one of all) {
    sayLost(one, say)
    const { release, entry } = one
    if (release.transport === 'sse') {
      say(`${entry.slug}: Codex does not speak the older SSE transport, so it was left out.`)
      continue
    }
    if (release.source.type === 'remote') {
      const fixed = release.headers.filter((asked) => asked.default !== undefined)
      const asked = release.headers.filter((one) => one.default === undefined && (one.required || one.secret))
      servers[entry.slug] = {
        url: urlOf(one),
        ...(fixed.length > 0 && {
          http_headers: Object.fromEntries(fixed.map(({ name, default: value }) => [name, value])),
        }),
        ...(asked.length > 0 && {
          env_http_headers: Object.fromEntries(asked.map(({ name }) => [name, constant(name)])),
        }),
      }
      continue
    }
    const command = commandOf(one, ({ key }) => BY_HAND.argument(one, key), say)
    if (!command) continue
    const passed = release.variables.filter(
      (asked) => asked.default === undefined && (asked.required || asked.secret),
    )
    const fixed = release.variables.filter((asked) => asked.default !== undefined)
    servers[entry.slug] = {
      ...command,
      ...(passed.length > 0 && { env_vars: passed.map(({ name }) => name) }),
      ...(fixed.length > 0 && {
        env: Object.fromEntries(fixed.map(({ name, default: value }) => [name, value])),
      }),
    }
  }
  return stringify({ mcp_servers: servers })
}

function serversOf(
  all: readonly Exported[],
  fill: Fill,
  say: Say,
  remote: (one: Exported, headers: Record<string, string>) => Server,
  local: Server = {},
): Record<string, Server> {
  const servers: Record<string, Server> = {}
  for (const one of all) {
    sayLost(one, say)
    const { release, entry } = one
    if (release.source.type === 'remote') {
      const asked = release.headers.filter(
        (header) => header.default !== undefined || header.required || header.secret,
      )
      const headers = Object.fromEntries(
        asked.map((header) => [header.name, header.default ?? fill.header(one, header)]),
      )
      servers[entry.slug] = remote(one, headers)
      continue
    }
    const command = commandOf(one, ({ key }) => fill.argument(one, key), say)
    if (!command) continue
    // A variable that may be left out and has no default would only be asked for in vain.
    const asked = release.variables.filter(
      (variable) => variable.default !== undefined || variable.required || variable.secret,
    )
    const env = Object.fromEntries(
      asked.map((variable) => [variable.name, variable.default ?? fill.variable(one, variable)]),
    )
    servers[entry.slug] = { ...local, ...command, ...(asked.length > 0 && { env }) }
  }
  return servers
}

function remoteServer(one: Exported, headers: Record<string, string>): Server {
  const type = one.release.transport === 'sse' ? 'sse' : 'http'
  return { type, url: urlOf(one), ...(Object.keys(headers).length > 0 && { headers }) }
}

function urlOf({ release }: Exported): string {
  return release.source.type === 'remote' ? release.source.url : ''
}

/** "X-Api-Key" as the name of a variable. */
function constant(name: string): string {
  return name.toUpperCase().replace(/[^A-Z0-9]+/g, '_')
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`
}
