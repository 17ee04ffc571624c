import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { OpenAPIBackend } from 'openapi-backend'

/** DigitalOcean's OpenAPI description: no part of the repository. */
const FILE =
  process.env.DIGITALOCEAN_OPENAPI ??
  fileURLToPath(new URL('../../../shared/digitalocean/openapi.json', import.meta.url))

export interface Exchange {
  method: string
  path: string
  query: Record<string, string>
  body: unknown
  status: number
  answer: unknown
}

/** What is wrong with a request or its answer, by the description and by hand; empty when nothing is. */
export type Check = (exchange: Exchange) => string[]

/** Keys of request bodies: the description lets others through, DigitalOcean ignores them, and a misspelt one would go unseen. */
const KEYS: Record<string, string[]> = {
  droplets_create: [
    'name',
    'region',
    'size',
    'image',
    'ssh_keys',
    'backups',
    'ipv6',
    'monitoring',
    'tags',
    'user_data',
    'with_droplet_agent',
  ],
  firewalls_create: ['name', 'droplet_ids', 'tags', 'inbound_rules', 'outbound_rules'],
}

let loading: Promise<Check | null> | undefined

/** Null, said in one line, where the description is not at hand; everything else of the simulator works without. */
export function loadDescription(): Promise<Check | null> {
  loading ??= load()
  return loading
}

async function load(): Promise<Check | null> {
  if (!existsSync(FILE)) {
    process.stderr.write(
      'DigitalOcean’s API description is not here (DIGITALOCEAN_OPENAPI names the file): its traffic is not validated.\n',
    )
    return null
  }
  const api = new OpenAPIBackend({
    definition: JSON.parse(readFileSync(FILE, 'utf8')),
    // It says which formats of the description it does not know: dates and ids, which need no check here.
    ajvOpts: { unicodeRegExp: false, logger: false },
    // Only validation is used; no handler is registered.
    strict: false,
  })
  await api.init()
  return ({ method, path, query, body, status, answer }) => {
    const request = { method, path, query, body, headers: { 'content-type': 'application/json' } }
    const operation = api.matchOperation(request)
    if (!operation?.operationId) return [`${method} ${path} is not in the description`]
    const problems: string[] = []
    const asked = api.validateRequest(request, operation)
    problems.push(...(asked.errors ?? []).map((error) => `request: ${error.instancePath} ${error.message}`))
    if (method === 'POST') {
      const known = KEYS[operation.operationId] ?? []
      if (typeof body !== 'object' || body === null) problems.push('request: no body')
      else
        problems.push(
          ...Object.keys(body)
            .filter((key) => !known.includes(key))
            .map((key) => `request: unknown key ${key}`),
        )
    }
    if (status !== 204) {
      const answered = api.validateResponse(answer, operation, status)
      problems.push(
        ...(answered.errors ?? []).map((error) => `answer: ${error.instancePath} ${error.message}`),
      )
    }
    return problems.map((problem) => `${method} ${path} ${status}: ${problem}`)
  }
}
