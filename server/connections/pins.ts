import type { ConnectionTool, ToolChanges } from '#contracts/connection-settings.ts'
import { ToolDefinition } from '#contracts/probe.ts'
import { exposedToolName } from '#mcp/tool-name.ts'
import type { Prisma } from '#server/db/generated/client.ts'

/** What `connectionTools` needs of a connection. */
export const PINS_SELECT = {
  slug: true,
  prefixTools: true,
  pinPolicy: true,
  tools: { orderBy: { name: 'asc' } },
  server: {
    select: {
      tools: { orderBy: { position: 'asc' }, select: { name: true, definition: true, hash: true } },
    },
  },
} satisfies Prisma.ConnectionSelect

export type PinnedRow = Prisma.ConnectionGetPayload<{ select: typeof PINS_SELECT }>

/** The tools that the server offers, in its order, then those that it does not offer any more: each beside what was approved. */
export function connectionTools(row: PinnedRow): ConnectionTool[] {
  const pins = new Map(row.tools.map((pin) => [pin.name, pin]))
  const offered = row.server.tools.map((tool): ConnectionTool => {
    const pin = pins.get(tool.name)
    pins.delete(tool.name)
    const state = pin === undefined ? 'new' : sameBytes(pin.hash, tool.hash) ? 'approved' : 'changed'
    const held = state !== 'approved' && row.pinPolicy === 'hold'
    const enabled = pin?.enabled ?? true
    return {
      name: tool.name,
      exposedName: held || !enabled ? null : exposedToolName(row, pin?.alias ?? tool.name),
      alias: pin?.alias ?? null,
      enabled,
      pin: state,
      held,
      approved: pin === undefined ? null : ToolDefinition.parse(pin.definition),
      current: ToolDefinition.parse(tool.definition),
      approvedAt: pin?.approvedAt.toISOString() ?? null,
    }
  })
  const removed = [...pins.values()].map((pin): ConnectionTool => {
    return {
      name: pin.name,
      exposedName: null,
      alias: pin.alias,
      enabled: pin.enabled,
      pin: 'removed',
      held: false,
      approved: ToolDefinition.parse(pin.definition),
      current: null,
      approvedAt: pin.approvedAt.toISOString(),
    }
  })
  return [...offered, ...removed]
}

export function toolChanges(tools: readonly Pick<ConnectionTool, 'pin' | 'held' | 'enabled'>[]): ToolChanges {
  const count = (state: ConnectionTool['pin']) => tools.filter(({ pin }) => pin === state).length
  return {
    changed: count('changed'),
    new: count('new'),
    removed: count('removed'),
    held: tools.filter(({ held, enabled }) => held && enabled).length,
  }
}

/** Rows for tools as they are now, approved. */
export function pinRows(
  connectionId: string,
  tools: readonly { name: string; hash: Uint8Array; definition: unknown }[],
): Prisma.ConnectionToolCreateManyInput[] {
  return tools.map(({ name, hash, definition }) => ({
    connectionId,
    name,
    hash: Uint8Array.from(hash),
    definition: definition as Prisma.InputJsonObject,
  }))
}

function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.from(one).equals(Buffer.from(other))
}
