import type { EventType } from '#contracts/events.ts'
import { afterCommit, type Db } from '#server/db/with-actor.ts'
import { publishHint } from './hints.ts'

export interface NewEvent {
  type: EventType
  subjectId: string
  serverId?: string | null
  agentId?: string | null
  toolboxId?: string | null
  /** `everyone`, `admins` or `user:<id>`; or everybody who may see this server. */
  audience: string[] | { server: string }
  /** Small, and fit for everybody in the audience. */
  data?: Record<string, unknown>
}

/** Writes an event in the transaction of the change, and hints the tailers once it has committed. */
export async function emit(db: Db, event: NewEvent): Promise<void> {
  const data = JSON.stringify(event.data ?? {})
  const { type, subjectId, serverId = null, agentId = null, toolboxId = null } = event
  const names = Array.isArray(event.audience) ? event.audience : null
  const server = Array.isArray(event.audience) ? null : event.audience.server
  // The names go with the event, since a page may show it when the thing is gone already.
  await db.$executeRaw`
    INSERT INTO events (type, subject_id, server_id, agent_id, toolbox_id, audience, data)
    VALUES (${type}, ${subjectId}::uuid, ${serverId}::uuid, ${agentId}::uuid, ${toolboxId}::uuid,
      coalesce(${names}::text[], app.server_audience(${server}::uuid), ARRAY['admins']),
      jsonb_strip_nulls(jsonb_build_object(
        'serverName', (SELECT name FROM mcp_servers WHERE id = ${serverId}::uuid),
        'agentName', (SELECT name FROM agents WHERE id = ${agentId}::uuid),
        'toolboxName', (SELECT name FROM toolboxes WHERE id = ${toolboxId}::uuid))) || ${data}::jsonb)`
  afterCommit(publishHint)
}
