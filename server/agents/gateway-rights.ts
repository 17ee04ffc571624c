import { GatewayRights } from '#contracts/gateway.ts'
import { NOBODY } from '#server/context.ts'
import { prisma } from '#server/db/client.ts'
import { withActor } from '#server/db/with-actor.ts'

/** What the agent of this token may call; null for an unknown or revoked one. `tokenHash` is SHA-256 of the token. */
export async function loadGatewayRights(tokenHash: Buffer): Promise<GatewayRights | null> {
  const rows = await prisma().$queryRaw<
    { rights: unknown }[]
  >`SELECT app.gateway_rights(${tokenHash}) AS rights`
  const rights = rows[0]?.rights
  return rights === null || rights === undefined ? null : GatewayRights.parse(rights)
}

/** Moves whenever what any agent may call has changed; one cheap query. */
export async function readRightsVersion(): Promise<bigint> {
  const [row] = await prisma().$queryRaw<{ version: bigint }[]>`SELECT app.rights_version() AS version`
  if (!row) throw new Error('The rights version is missing; was the database migrated?')
  return row.version
}

/** Notes that an agent was used; at most once a minute. */
export async function touchAgent(agentId: string): Promise<void> {
  await withActor(NOBODY, (db) => db.$executeRaw`SELECT app.touch_agent(${agentId}::uuid)`)
}
