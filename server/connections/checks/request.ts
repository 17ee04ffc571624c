import { prisma } from '#server/db/client.ts'
import { hintChecks } from './hint.ts'

/**
 * Asks for a check of a server, since what it offers may not be what is recorded; for gateways, which are no actor. At most once every
 * 5 s and server, from all processes together. True: it will be checked now.
 */
export async function requestCheck(serverId: string): Promise<boolean> {
  const [row] = await prisma().$queryRaw<{ asked: boolean }[]>`
    SELECT app.request_recheck(${serverId}::uuid) AS asked`
  const asked = row?.asked ?? false
  if (asked) hintChecks()
  return asked
}
