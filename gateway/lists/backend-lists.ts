import { createHash } from 'node:crypto'
import type { ClientSide } from '#gateway/relay/client-side.ts'
import { forward } from '#gateway/relay/forward.ts'
import type { Upstream } from '#gateway/relay/forward-types.ts'
import { UpstreamError } from '#gateway/upstream/error.ts'
import type { UpstreamTarget } from '#gateway/upstream/target.ts'
import { within } from '#gateway/within.ts'
import { isRecord, isRpcFailure, RPC_METHOD_NOT_FOUND } from '#mcp/json-rpc.ts'
import type { ListItem, ListKind } from './catalogue.ts'

/** How long a list waits for one server, milliseconds; the others are not kept waiting longer than that. */
const BUDGET_MS = 250
/** A list is not asked for again within this, unless its server says that it changed, milliseconds. */
const FRESH_MS = 30_000
/** After a failure the last good list is given at once for this long, milliseconds. */
const FAILED_MS = 2000
/** A fetch that nobody waits for any more still has this long, milliseconds. */
const FETCH_TIMEOUT_MS = 15_000
const MAX_PAGES = 50
const MAX_ITEMS = 10_000
/** Lists remembered in this process; the least recently used go first. */
const MAX_LISTS = 2000

export const LIST_METHODS: Readonly<Record<ListKind, string>> = {
  tools: 'tools/list',
  prompts: 'prompts/list',
  resources: 'resources/list',
  resourceTemplates: 'resources/templates/list',
}

/** `stale`: an older list than now's. `unavailable`: none was ever read here. */
export interface BackendList {
  items: readonly ListItem[]
  state: 'fresh' | 'stale' | 'unavailable'
  reason?: string
}

export interface BackendLists {
  /** The list of one server as it shows it to such a client. Takes 250 ms at most, and never fails. */
  get(target: UpstreamTarget, kind: ListKind, client: ClientSide): Promise<BackendList>
  /** The same as far as it is known here; null when it never was. */
  peek(target: UpstreamTarget, kind: ListKind, client: ClientSide): readonly ListItem[] | null
  /** The server said that a list changed (left out: all of them), or may have changed while nobody listened. */
  invalidate(instanceId: string, kind?: ListKind): void
}

interface Entry {
  instanceId: string
  kind: ListKind
  items: readonly ListItem[] | null
  readAt: number
  fetching: { done: Promise<void>; startedAt: number } | null
  failedAt: number
  reason: string | null
}

/** Lists of servers by instance and by what the client declares, since servers show other things to other clients. */
export function createBackendLists(upstream: Upstream, budgetMs = BUDGET_MS): BackendLists {
  const entries = new Map<string, Entry>()

  function entryOf(target: UpstreamTarget, kind: ListKind, client: ClientSide): Entry {
    const key = `${target.instanceId}:${kind}:${client.era}:${target.credentials ?? ''}:${capabilitiesKey(client.capabilities)}`
    const known = entries.get(key)
    if (known) {
      entries.delete(key)
      entries.set(key, known)
      return known
    }
    const entry: Entry = {
      instanceId: target.instanceId,
      kind,
      items: null,
      readAt: Number.NEGATIVE_INFINITY,
      fetching: null,
      failedAt: Number.NEGATIVE_INFINITY,
      reason: null,
    }
    entries.set(key, entry)
    if (entries.size > MAX_LISTS) {
      const oldest = entries.keys().next()
      if (!oldest.done) entries.delete(oldest.value)
    }
    return entry
  }

  function startFetch(entry: Entry, target: UpstreamTarget, client: ClientSide): Promise<void> {
    const startedAt = performance.now()
    const done = fetchAll(upstream, target, entry.kind, client).then(
      (items) => {
        entry.items = items
        entry.readAt = startedAt
        entry.reason = null
      },
      (error: unknown) => {
        entry.failedAt = performance.now()
        entry.reason = error instanceof UpstreamError ? error.code : 'UPSTREAM_UNAVAILABLE'
      },
    )
    const fetching = { done, startedAt }
    entry.fetching = fetching
    void done.then(() => {
      if (entry.fetching === fetching) entry.fetching = null
    })
    return done
  }

  return {
    async get(target, kind, client) {
      const entry = entryOf(target, kind, client)
      const now = performance.now()
      if (entry.items !== null && now - entry.readAt < FRESH_MS) return { items: entry.items, state: 'fresh' }
      if (now - entry.failedAt >= FAILED_MS) {
        // Whoever comes late to a fetch waits for what is left of its budget.
        const left = entry.fetching === null ? budgetMs : budgetMs - (now - entry.fetching.startedAt)
        const done = entry.fetching?.done ?? startFetch(entry, target, client)
        if (left > 0) await within(done, left)
        if (entry.items !== null && entry.readAt >= now - budgetMs)
          return { items: entry.items, state: 'fresh' }
      }
      const reason = entry.reason ?? 'CALL_TIMED_OUT'
      if (entry.items !== null) return { items: entry.items, state: 'stale', reason }
      return { items: [], state: 'unavailable', reason }
    },
    peek: (target, kind, client) => entryOf(target, kind, client).items,
    invalidate(instanceId, kind) {
      for (const entry of entries.values()) {
        if (entry.instanceId !== instanceId || (kind !== undefined && entry.kind !== kind)) continue
        entry.readAt = Number.NEGATIVE_INFINITY
        entry.failedAt = Number.NEGATIVE_INFINITY
        // What is on its way may have been read before the change.
        entry.fetching = null
      }
    },
  }
}

async function fetchAll(
  upstream: Upstream,
  target: UpstreamTarget,
  kind: ListKind,
  client: ClientSide,
): Promise<ListItem[]> {
  const items: ListItem[] = []
  let cursor: string | undefined
  for (let page = 0; page < MAX_PAGES; page++) {
    const { response } = await forward({
      upstream,
      target,
      method: LIST_METHODS[kind],
      params: cursor === undefined ? {} : { cursor },
      id: 0,
      client: { ...client, streamSoon() {}, async notify() {}, ask: null },
      signal: AbortSignal.timeout(FETCH_TIMEOUT_MS),
      timeoutMs: FETCH_TIMEOUT_MS,
      idempotent: true,
    }).catch((error: unknown) => {
      throw error instanceof UpstreamError
        ? error
        : new UpstreamError('CALL_TIMED_OUT', kind, { cause: error })
    })
    if (isRpcFailure(response)) {
      if (response.error.code === RPC_METHOD_NOT_FOUND) return []
      throw new UpstreamError('UPSTREAM_UNAVAILABLE', `${LIST_METHODS[kind]}: ${response.error.code}`)
    }
    const list = response.result[kind]
    if (!Array.isArray(list)) throw new UpstreamError('PROTOCOL_ERROR', LIST_METHODS[kind])
    for (const item of list) if (isRecord(item) && items.length < MAX_ITEMS) items.push(item)
    const next = response.result.nextCursor
    if (typeof next !== 'string' || next === cursor) break
    cursor = next
  }
  return items
}

const keys = new WeakMap<object, string>()
/** Equal for clients that declare the same. */
export function capabilitiesKey(capabilities: Record<string, unknown>): string {
  let key = keys.get(capabilities)
  if (key === undefined) {
    const text = JSON.stringify(capabilities)
    key = text === '{}' ? '' : createHash('sha256').update(text).digest('base64url').slice(0, 16)
    keys.set(capabilities, key)
  }
  return key
}
