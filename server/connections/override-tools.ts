import type { ToolOverride } from '#contracts/connection-settings.ts'
import type { Db } from '#server/db/with-actor.ts'
import { AppError } from '#server/errors.ts'

/** Switches tools of a connection on and off, and renames them. Throws AppError BAD_REQUEST for tools that were never approved. */
export async function overrideTools(
  db: Db,
  connectionId: string,
  overrides: readonly ToolOverride[],
): Promise<void> {
  if (overrides.length === 0) return
  const pins = await db.connectionTool.findMany({
    where: { connectionId },
    select: { name: true, alias: true },
  })
  const names = new Map(pins.map(({ name, alias }) => [name, alias]))
  const fields: Record<string, string[]> = {}
  for (const [at, { name, alias }] of overrides.entries()) {
    if (!names.has(name))
      fields[`tools.${at}.name`] = ['The connection has no such tool, or it is not approved.']
    else if (alias !== undefined) names.set(name, alias === name ? null : alias)
  }
  const shown = [...names].map(([name, alias]) => alias ?? name)
  for (const [at, { name, alias }] of overrides.entries()) {
    const wanted = alias ?? null
    if (wanted !== null && wanted !== name && shown.filter((other) => other === wanted).length > 1)
      fields[`tools.${at}.alias`] = [`Another tool of this connection is called "${wanted}".`]
  }
  if (Object.keys(fields).length > 0) throw new AppError('BAD_REQUEST', 'tools', { fields })
  // First away with names that are given up: two tools may take over each other's.
  const renamed = overrides.filter(({ alias }) => alias !== undefined).map(({ name }) => name)
  await db.connectionTool.updateMany({
    where: { connectionId, name: { in: renamed } },
    data: { alias: null },
  })
  for (const { name, enabled, alias } of overrides)
    await db.connectionTool.update({
      where: { connectionId_name: { connectionId, name } },
      data: {
        ...(enabled !== undefined && { enabled }),
        ...(alias !== undefined && { alias: names.get(name) ?? null }),
      },
    })
}
