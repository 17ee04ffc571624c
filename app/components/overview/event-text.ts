import { ERROR_CATALOGUE, ErrorCode } from '#contracts/errors.ts'
import type { StatusEvent } from '#contracts/events.ts'

const text = (value: unknown): string | null => (typeof value === 'string' && value ? value : null)

/** What a stretch of events says in the end: of each thing and kind of change only the newest stays, in order. */
export function condense(events: StatusEvent[]): StatusEvent[] {
  const seen = new Set<string>()
  return events.filter((event) => {
    // Without a state it says that something small about a deployment changed, such as that it was cleaned up.
    if (event.type === 'deployment.updated' && !event.data.state) return false
    const key = `${event.type} ${event.subjectId}`
    return seen.has(key) ? false : seen.add(key)
  })
}

/**
 * Words for an event and where it leads. A thing that is still there goes by its present name, one that is gone by the name that
 * the event carries.
 */
export function describeEvent(
  event: StatusEvent,
  names: ReadonlyMap<string, string>,
): { title: string; detail: string | null; href: string | null } {
  const kept = text(event.data[`${event.type.split('.')[0]}Name`])
  const own = names.get(event.subjectId) ?? text(event.data.name) ?? kept
  const serverName = (event.serverId && names.get(event.serverId)) ?? text(event.data.serverName)
  const state = text(event.data.state)?.replaceAll('_', ' ') ?? null
  const failure = event.data.failure as { code?: unknown } | null | undefined
  const code = ErrorCode.safeParse(failure?.code ?? event.data.code)
  const detail = code.success ? ERROR_CATALOGUE[code.data].text : text(event.data.phase)
  const toServer = event.serverId && names.has(event.serverId) ? `/admin/servers/${event.serverId}` : null
  const toToolbox = `/admin/toolboxes/${event.subjectId}`
  const called = (noun: string, name = own) =>
    name ? `${noun} ${name}` : `${/^[AEIOU]/.test(noun) ? 'An' : 'A'} ${noun.toLowerCase()}`
  switch (event.type) {
    case 'server.created':
      return { title: `${called('Server', serverName)} was created`, detail, href: toServer }
    case 'server.updated':
      return {
        title: `${called('Server', serverName)} ${serverVerb(state)}`,
        detail,
        href: toServer,
      }
    case 'server.deleted':
      return { title: `${called('Server', serverName)} was deleted`, detail: null, href: null }
    case 'deployment.updated': {
      const of = serverName ? `Deployment of ${serverName}` : 'A deployment'
      return { title: `${of} ${deploymentVerb(state)}`, detail, href: toServer }
    }
    case 'toolbox.created':
      return { title: `${called('Toolbox')} was added`, detail, href: toToolbox }
    case 'toolbox.updated':
      if (event.data.breaker)
        return {
          title: `${called('Toolbox')} ${event.data.breaker === 'open' ? 'does not answer calls' : 'answers calls again'}`,
          detail,
          href: toToolbox,
        }
      if (state === 'deleted') return { title: `${called('Toolbox')} was deleted`, detail: null, href: null }
      return { title: `${called('Toolbox')} ${state ? `is ${state}` : 'changed'}`, detail, href: toToolbox }
    case 'agent.created':
      return { title: `${called('Agent')} was created`, detail, href: null }
    case 'agent.updated':
      return { title: `${called('Agent')} changed`, detail, href: null }
    case 'agent.deleted':
      return { title: `${called('Agent')} was deleted`, detail, href: null }
    case 'connection.created':
      return { title: `An agent was connected${to(serverName)}`, detail, href: toServer }
    case 'connection.updated':
      return {
        title: `A connection${to(serverName)} ${state ? `is ${state}` : 'changed'}`,
        detail,
        href: toServer,
      }
    case 'connection.failing':
      return { title: `A connection${to(serverName)} is failing`, detail, href: toServer }
    case 'connection.recovered':
      return { title: `A connection${to(serverName)} works again`, detail: null, href: toServer }
    case 'connection.tools':
      return { title: `The tools of a connection${to(serverName)} changed`, detail: null, href: toServer }
    case 'connection.test':
      return { title: `A connection test${to(serverName)} ${testVerb(state)}`, detail, href: toServer }
    case 'user.updated':
      return { title: 'A user changed', detail, href: '/admin/users' }
    case 'apiKey.updated':
      return { title: 'An API key changed', detail, href: null }
    case 'registry.updated':
      return {
        title: `Credentials of ${own ?? 'a registry'} were ${state ?? 'changed'}`,
        detail,
        href: '/settings',
      }
    case 'catalog.updated':
      return {
        title: `${called('Catalog entry', text(event.data.title))} ${state === 'deleted' ? 'was deleted' : 'changed'}`,
        detail,
        href: '/admin/catalog',
      }
    case 'cloud.updated':
      return {
        title: event.data.reason ? 'Droplets wait for a decision' : 'The account for droplets changed',
        detail: null,
        href: '/admin/toolboxes',
      }
  }
}

const to = (name: string | null): string => (name ? ` to ${name}` : '')

function serverVerb(state: string | null): string {
  if (state === 'failed') return 'failed'
  return state ? `is ${state}` : 'changed'
}

function deploymentVerb(state: string | null): string {
  if (state === 'failed') return 'failed'
  if (state === 'cancelled' || state === 'rolled back') return `was ${state}`
  return state === 'live' ? 'went live' : `is ${state ?? 'going on'}`
}

function testVerb(state: string | null): string {
  if (state === 'passed' || state === 'failed') return state
  return state === 'cancelled' ? 'was cancelled' : 'is going on'
}
