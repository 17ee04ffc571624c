import { toast } from 'sonner'
import type { StatusEvent } from '#contracts/events.ts'

const text = (value: unknown, otherwise: string): string =>
  typeof value === 'string' && value !== '' ? value : otherwise

/** A stream that begins again brings what was missed; what is older is no news. */
const NEWS_MS = 60_000

/** Tells whoever looks at any page that a connection began to fail, or works again; one message a connection. */
export function toastConnection({ type, subjectId, agentId, data, at }: StatusEvent): void {
  if (type !== 'connection.failing' && type !== 'connection.recovered') return
  if (Date.now() - Date.parse(at) > NEWS_MS) return
  const server = text(data.serverName, 'A server')
  const agent = text(data.agentName, 'an agent')
  const look = {
    id: `connection ${subjectId}`,
    ...(agentId && {
      action: {
        label: 'Look',
        onClick: () => window.location.assign(`/agents/${agentId}/connections/${subjectId}`),
      },
    }),
  }
  if (type === 'connection.failing') toast.error(`${server} does not answer ${agent} any more`, look)
  else toast.success(`${server} answers ${agent} again`, look)
}
