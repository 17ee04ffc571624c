import type { AgentView } from '#gateway/lists/agent-view.ts'
import { answerServer } from '#gateway/relay/answer-server.ts'
import type { ClientSide } from '#gateway/relay/client-side.ts'
import type { Upstream } from '#gateway/relay/forward-types.ts'
import { targetOf } from '#gateway/targets.ts'
import type { RpcNotification } from '#mcp/json-rpc.ts'
import type { Changes } from './changes.ts'
import {
  LIST_CHANGES,
  PROMPTS_CHANGED,
  RESOURCE_UPDATED,
  RESOURCES_CHANGED,
  TOOLS_CHANGED,
} from './changes.ts'
import type { Watchers } from './watchers.ts'

/** What a client's open stream is told. */
export interface FeedInput {
  context: { upstream: Upstream; watchers: Watchers; changes: Changes }
  client: ClientSide
  view: AgentView
  /** Connection by URI of the resource. */
  subscriptions: Readonly<Record<string, string>>
  tell: (message: RpcNotification) => void
}

export interface Feed {
  /** Resolves when what was asked for is listened to, or cannot be. */
  ready(): Promise<void>
  /** Takes over new rights, or new subscriptions, and tells what changed by them. */
  update(change: { view?: AgentView; subscriptions?: Readonly<Record<string, string>> }): void
  close(): void
}

interface Held {
  ready: Promise<void>
  /** Other resources than before. */
  want?: (uris: readonly string[]) => void
  release: () => void
}

/** Brings together, for one stream, what all of an agent's servers say and what changes in the agent's rights. */
export function openFeed({ context, client, tell, ...input }: FeedInput): Feed {
  let { view, subscriptions } = input
  const { channels } = context.upstream
  const held = new Map<string, Held>()

  function hear(message: RpcNotification): void {
    const { method, params } = message
    if (method === RESOURCE_UPDATED) {
      if (typeof params?.uri === 'string' && Object.hasOwn(subscriptions, params.uri)) tell(message)
    } else if (LIST_CHANGES.some((name) => name === method)) tell({ jsonrpc: '2.0', method })
  }

  function sync(): void {
    const wanted = new Map<string, () => Held>()
    const resources = new Map<string, readonly string[]>()
    for (const connection of view.rights.connections) {
      const target = targetOf(view, connection)
      if (target === null) continue
      const place = `${target.instanceId}:${target.credentials ?? ''}:${target.toolbox.url}`
      wanted.set(`watch:${place}`, () => {
        const watcher = context.watchers.watch(target, client.era)
        const off = context.changes.on(target.instanceId, hear)
        return {
          ready: watcher.ready,
          release() {
            off()
            watcher.release()
          },
        }
      })
      const uris = Object.keys(subscriptions).filter((uri) => subscriptions[uri] === connection.id)
      if (uris.length === 0) continue
      wanted.set(`own:${place}`, () => channels.hold(target, client, hear))
      resources.set(`own:${place}`, uris)
    }
    for (const [key, { release }] of held) {
      if (wanted.has(key)) continue
      held.delete(key)
      release()
    }
    for (const [key, open] of wanted) {
      const one = held.get(key) ?? open()
      held.set(key, one)
      one.want?.(resources.get(key) ?? [])
    }
  }

  // What servers ask and tell outside of any request of this client.
  const detach = channels.attach(client.use.key, {
    onNotification: tell,
    onRequest: (message, lease, signal) => void answerServer(client, lease, message, signal),
  })
  sync()
  return {
    async ready() {
      await Promise.all([...held.values()].map(({ ready }) => ready))
    },
    update(change) {
      const before = view
      view = change.view ?? view
      subscriptions = change.subscriptions ?? subscriptions
      if (view !== before || change.subscriptions !== undefined) sync()
      const moved = before.backends !== view.backends
      if (moved || before.catalogue.digest !== view.catalogue.digest)
        tell({ jsonrpc: '2.0', method: TOOLS_CHANGED })
      if (!moved) return
      tell({ jsonrpc: '2.0', method: PROMPTS_CHANGED })
      tell({ jsonrpc: '2.0', method: RESOURCES_CHANGED })
    },
    close() {
      detach()
      for (const { release } of held.values()) release()
      held.clear()
    },
  }
}
