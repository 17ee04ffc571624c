import { Agent, fetch } from 'undici'
import { z } from 'zod'
import type { RegistryPage, SearchRegistry } from '#contracts/catalog-transfer.ts'
import { BoundedHttpError, parseJson, readBounded } from '#protocol/bounded-http.ts'
import type { UserCtx } from '#server/context.ts'
import { env } from '#server/env.ts'
import { AppError } from '#server/errors.ts'
import { readServerJson } from './import/server-json.ts'

/** Milliseconds for one question to the registry; a person waits for it. */
const TIMEOUT_MS = 10_000
const MAX_BYTES = 4 * 1024 * 1024
const PAGE = 30
/** Asked seldom: no connection is kept for the next time. */
const dispatcher = new Agent({ pipelining: 0 })

const Wrapped = z.object({ server: z.looseObject({ name: z.string(), version: z.string().default('') }) })
const Page = z.object({
  servers: z.array(Wrapped).nullable(),
  metadata: z.object({ nextCursor: z.string().nullish() }).nullish(),
})

/** Servers of the MCP registry whose name has the words, by the latest version of each. Throws AppError REGISTRY_UNREACHABLE. */
export async function searchRegistry({
  input,
}: {
  ctx: UserCtx
  input: SearchRegistry
}): Promise<RegistryPage> {
  const query = new URLSearchParams({ limit: String(PAGE), version: 'latest' })
  if (input.search) query.set('search', input.search)
  if (input.cursor) query.set('cursor', input.cursor)
  const page = await ask(`/v0.1/servers?${query}`, Page)
  return {
    registry: new URL(env.MCP_REGISTRY_URL).host,
    items: (page.servers ?? []).map(({ server }) => {
      const { entry, refusal } = readServerJson(server)
      return {
        name: server.name,
        title: entry?.title ?? server.name,
        description: typeof server.description === 'string' ? server.description : '',
        version: server.version,
        refusal,
      }
    }),
    nextCursor: page.metadata?.nextCursor || null,
  }
}

/** The `server.json` of one server. Throws AppError REGISTRY_UNREACHABLE, and BAD_REQUEST when the registry has no such one. */
export async function fetchFromRegistry(name: string, version = 'latest'): Promise<unknown> {
  const path = `/v0.1/servers/${encodeURIComponent(name)}/versions/${encodeURIComponent(version)}`
  return (await ask(path, Wrapped)).server
}

async function ask<Schema extends z.ZodType>(path: string, schema: Schema): Promise<z.output<Schema>> {
  const url = env.MCP_REGISTRY_URL + path
  const unreachable = (detail: string, cause?: unknown) =>
    new AppError('REGISTRY_UNREACHABLE', `registry ${url}`, {
      detail: `${new URL(url).host}: ${detail}`,
      cause,
    })
  try {
    const response = await fetch(url, {
      headers: { accept: 'application/json' },
      redirect: 'error',
      dispatcher,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    if (response.status === 404) {
      await response.body?.cancel()
      throw new AppError('BAD_REQUEST', `registry has no ${path}`, {
        fields: { 'from.name': ['The registry has no such server, or not in this version.'] },
      })
    }
    if (!response.ok || !response.body) {
      await response.body?.cancel()
      throw unreachable(`it answered ${response.status}.`)
    }
    return parseJson(await readBounded(response.body, { maxBytes: MAX_BYTES, timeoutMs: TIMEOUT_MS }), schema)
  } catch (error) {
    if (error instanceof AppError) throw error
    if (error instanceof BoundedHttpError) throw unreachable(error.message, error)
    throw unreachable(reasonOf(error), error)
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'the request failed.'
  if (error.name === 'TimeoutError') return `no answer within ${TIMEOUT_MS / 1000} s.`
  const { cause } = error
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : null
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'its name cannot be resolved.'
  if (code === 'ECONNREFUSED') return 'nothing listens there.'
  return code ?? 'the request failed.'
}
