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
  const ids = [
    event.subjectId,
    event.serverId ?? null,
    event.agentId ?? null,
    event.toolboxId ?? null,
  ] as const
  if (Array.isArray(event.audience))
    await db.$executeRaw`INSERT INTO events (type, subject_id, server_id, agent_id, toolbox_id, audience, data)
      VALUES (${event.type}, ${ids[0]}::uuid, ${ids[1]}::uuid, ${ids[2]}::uuid, ${ids[3]}::uuid, ${event.audience}::text[], ${data}::jsonb)`
  else
    await db.$executeRaw`INSERT INTO events (type, subject_id, server_id, agent_id, toolbox_id, audience, data)
      VALUES (${event.type}, ${ids[0]}::uuid, ${ids[1]}::uuid, ${ids[2]}::uuid, ${ids[3]}::uuid,
        coalesce(app.server_audience(${event.audience.server}::uuid), ARRAY['admins']), ${data}::jsonb)`
  afterCommit(publishHint)
}
