import { ERROR_CATALOGUE, ErrorCode } from '#contracts/errors.ts'
import type { StatusEvent } from '#contracts/events.ts'

const text = (value: unknown): string | null => (typeof value === 'string' && value ? value : null)

/** Words for an event, out of its type and the few fields it may carry; and where it leads. */
export function describeEvent(event: StatusEvent): {
  title: string
  detail: string | null
  href: string | null
} {
  const name = text(event.data.name) ?? text(event.data.serverName)
  const state = text(event.data.state)?.replaceAll('_', ' ') ?? null
  const failure = event.data.failure as { code?: unknown } | null | undefined
  const code = ErrorCode.safeParse(failure?.code ?? event.data.code)
  const detail = code.success ? ERROR_CATALOGUE[code.data].text : text(event.data.phase)
  const called = (noun: string) => (name ? `${noun} ${name}` : `A ${noun.toLowerCase()}`)
  const isNow = (noun: string) => (state ? `${called(noun)} is ${state}` : `${called(noun)} changed`)
  const server = event.serverId ? `/admin/servers/${event.serverId}` : null
  switch (event.type) {
    case 'server.created':
      return { title: `${called('Server')} was created`, detail, href: server }
    case 'server.updated':
      return { title: isNow('Server'), detail, href: server }
    case 'server.deleted':
      return { title: `${called('Server')} was deleted`, detail: null, href: null }
    case 'deployment.updated':
      return {
        title: name
          ? `Deployment of ${name} is ${state ?? 'going on'}`
          : `A deployment is ${state ?? 'going on'}`,
        detail,
        href: server,
      }
    case 'toolbox.created':
      return { title: `${called('Toolbox')} was added`, detail, href: `/admin/toolboxes/${event.subjectId}` }
    case 'toolbox.updated':
      return { title: isNow('Toolbox'), detail, href: `/admin/toolboxes/${event.subjectId}` }
    case 'agent.created':
      return { title: `${called('Agent')} was created`, detail, href: null }
    case 'agent.updated':
      return { title: `${called('Agent')} changed`, detail, href: null }
    case 'agent.deleted':
      return { title: `${called('Agent')} was deleted`, detail, href: null }
    case 'connection.created':
      return {
        title: name ? `An agent was connected to ${name}` : 'An agent was connected',
        detail,
        href: server,
      }
    case 'connection.updated':
      return {
        title: `A connection${name ? ` to ${name}` : ''} ${state ? `is ${state}` : 'changed'}`,
        detail,
        href: server,
      }
    case 'connection.test':
      return {
        title: `A connection test${name ? ` of ${name}` : ''} ${state ? `is ${state}` : 'goes on'}`,
        detail,
        href: server,
      }
    case 'user.updated':
      return { title: 'A user changed', detail, href: '/admin/users' }
    case 'apiKey.updated':
      return { title: 'An API key changed', detail, href: null }
  }
}
