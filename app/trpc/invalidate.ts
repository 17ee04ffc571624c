import type { trpc } from '#app/trpc/client.ts'
import type { StatusEvent } from '#contracts/events.ts'

type Utils = ReturnType<typeof trpc.useUtils>

/** One line for each query that an event makes stale; lines that are equal are run once. */
function staleQueries(event: StatusEvent, utils: Utils): Map<string, () => Promise<void>> {
  const stale = new Map<string, () => Promise<void>>()
  const [subject] = event.type.split('.')
  const serverId = event.serverId ?? (subject === 'server' ? event.subjectId : null)
  const agentId = event.agentId ?? (subject === 'agent' ? event.subjectId : null)
  const toolboxId = event.toolboxId ?? (subject === 'toolbox' ? event.subjectId : null)

  const overview = () => stale.set('overview', () => utils.status.overview.invalidate())
  const servers = () => {
    stale.set('servers', () => utils.servers.list.invalidate())
    if (serverId) {
      stale.set(`server ${serverId}`, () => utils.servers.get.invalidate({ id: serverId }))
      stale.set(`revisions ${serverId}`, () => utils.servers.revisions.invalidate({ id: serverId }))
    }
  }
  const toolboxes = () => {
    stale.set('toolboxes', () => utils.toolboxes.list.invalidate())
    if (toolboxId) stale.set(`toolbox ${toolboxId}`, () => utils.toolboxes.get.invalidate({ id: toolboxId }))
    else stale.set('toolbox', () => utils.toolboxes.get.invalidate())
  }
  const agents = () => {
    stale.set('agents', () => utils.agents.list.invalidate())
    if (agentId) stale.set(`agent ${agentId}`, () => utils.agents.get.invalidate({ id: agentId }))
  }
  const connections = () => {
    const input = agentId ? { agentId } : undefined
    stale.set(`connections ${agentId}`, () => utils.connections.list.invalidate(input))
    stale.set('connection events', () => utils.connections.events.invalidate())
    stale.set(`available ${agentId}`, () => utils.connections.available.invalidate(input))
    if (subject !== 'connection') stale.set('connection', () => utils.connections.get.invalidate())
    else
      stale.set(`connection ${event.subjectId}`, () =>
        utils.connections.get.invalidate({ id: event.subjectId }),
      )
  }

  switch (event.type) {
    case 'server.created':
    case 'server.updated':
    case 'server.deleted':
      servers()
      overview()
      toolboxes()
      connections()
      break
    case 'deployment.updated':
      servers()
      overview()
      break
    case 'toolbox.created':
    case 'toolbox.updated':
      toolboxes()
      servers()
      overview()
      break
    case 'agent.created':
    case 'agent.updated':
    case 'agent.deleted':
      agents()
      overview()
      break
    case 'connection.created':
    case 'connection.updated':
    case 'connection.failing':
    case 'connection.recovered':
    case 'connection.tools':
      connections()
      agents()
      servers()
      overview()
      break
    case 'connection.test':
      stale.set(`test ${event.subjectId}`, () =>
        utils.connections.testResult.invalidate({ id: event.subjectId }),
      )
      break
    case 'user.updated':
      stale.set('users', () => utils.users.invalidate())
      break
    case 'apiKey.updated':
      stale.set('keys', () => utils.apiKeys.list.invalidate())
      break
    case 'registry.updated':
      stale.set('registries', () => utils.registries.list.invalidate())
      break
    case 'catalog.updated':
      stale.set('catalog', () => utils.catalog.invalidate())
      break
    case 'cloud.updated':
      stale.set('cloud', () => utils.cloud.status.invalidate())
      break
  }
  return stale
}

/** Long enough to make one refetch of the several events of one transaction, short enough to feel immediate. */
const COALESCE_MS = 150

/** Collects events and refetches the queries they touch once for each burst. */
export function createInvalidator(utils: Utils): { push: (event: StatusEvent) => void; stop: () => void } {
  let pending = new Map<string, () => Promise<void>>()
  let timer: ReturnType<typeof setTimeout> | undefined
  return {
    push(event) {
      for (const [key, run] of staleQueries(event, utils)) pending.set(key, run)
      timer ??= setTimeout(() => {
        timer = undefined
        const due = pending
        pending = new Map()
        for (const run of due.values()) void run()
      }, COALESCE_MS)
    },
    stop() {
      clearTimeout(timer)
    },
  }
}
