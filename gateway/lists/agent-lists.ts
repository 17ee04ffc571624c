import type { GatewayConnection } from '#contracts/gateway.ts'
import type { ClientSide } from '#gateway/relay/client-side.ts'
import type { UpstreamTarget } from '#gateway/upstream/target.ts'
import type { AgentView } from './agent-view.ts'
import { type BackendList, type BackendLists, capabilitiesKey } from './backend-lists.ts'
import { buildCatalogue, type Catalogue, type ListItem, type ListKind } from './catalogue.ts'

/** A list over all of an agent's servers. */
export interface AgentList {
  catalogue: Catalogue
  /** By slug, those whose part is not fresh. */
  notFresh: Readonly<Record<string, { state: 'stale' | 'unavailable'; reason: string }>>
}

const NOTHING: readonly ListItem[] = []

interface Memo {
  parts: (readonly ListItem[])[]
  catalogue: Catalogue
}

export interface AgentLists {
  /** Asks every server at once; a slow or dead one neither delays the rest beyond its budget nor takes them away. */
  get(view: AgentView, kind: ListKind, client: ClientSide): Promise<AgentList>
  /** The list as it is known without asking anybody; null when it never was read for such a client. */
  known(view: AgentView, kind: ListKind, client: ClientSide): Catalogue | null
}

export function createAgentLists(
  lists: BackendLists,
  targetOf: (view: AgentView, connection: GatewayConnection) => UpstreamTarget | null,
): AgentLists {
  /** A catalogue is built once per state of its parts. */
  const memos = new WeakMap<AgentView, Map<string, Memo>>()

  function partOf(
    connection: GatewayConnection,
    kind: ListKind,
    list: BackendList | null,
  ): readonly ListItem[] {
    // A server that was never reached from here shows the tools of its last probe.
    if (list === null || list.state === 'unavailable') return kind === 'tools' ? connection.tools : NOTHING
    return list.items
  }

  return {
    async get(view, kind, client) {
      const { connections } = view.rights
      const answers = await Promise.all(
        connections.map(async (connection) => {
          const target = targetOf(view, connection)
          return target === null ? null : lists.get(target, kind, client)
        }),
      )
      const parts = connections.map((connection, index) => partOf(connection, kind, answers[index] ?? null))
      const key = `${kind}:${client.era}:${capabilitiesKey(client.capabilities)}`
      const known = memos.get(view) ?? new Map<string, Memo>()
      memos.set(view, known)
      let memo = known.get(key)
      if (memo === undefined || memo.parts.some((part, index) => part !== parts[index])) {
        const sources = connections.map((connection, index) => ({ connection, items: parts[index] ?? [] }))
        memo = { parts, catalogue: buildCatalogue(kind, sources) }
        known.set(key, memo)
      }
      const notFresh: Record<string, { state: 'stale' | 'unavailable'; reason: string }> = {}
      for (const [index, { slug, serverState }] of connections.entries()) {
        const answer = answers[index]
        if (answer === null || answer === undefined) {
          notFresh[slug] = {
            state: kind === 'tools' ? 'stale' : 'unavailable',
            reason: `SERVER_NOT_RUNNING: ${serverState}`,
          }
        } else if (answer.state !== 'fresh') {
          const state = answer.state === 'unavailable' && kind === 'tools' ? 'stale' : answer.state
          notFresh[slug] = { state, reason: answer.reason ?? 'UPSTREAM_UNAVAILABLE' }
        }
      }
      return { catalogue: memo.catalogue, notFresh }
    },
    known: (view, kind, client) =>
      memos.get(view)?.get(`${kind}:${client.era}:${capabilitiesKey(client.capabilities)}`)?.catalogue ??
      null,
  }
}
