import { isDeepStrictEqual } from 'node:util'
import type { GatewayConnection } from '#contracts/gateway.ts'
import type { ToolDefinition } from '#contracts/probe.ts'

/**
 * The tools of a connection that may be seen and called: not those that are switched off, nor, where the owner wants that held, any
 * that is new or not as it was approved. `shown` is its name at the gateway before the prefix.
 */
export function callableTools({ tools, pins, hashes, settings }: GatewayConnection): {
  tool: ToolDefinition
  shown: string
}[] {
  const pinned = new Map(pins.map((pin) => [pin.name, pin]))
  return tools.flatMap((tool) => {
    const pin = pinned.get(tool.name)
    if (pin !== undefined && !pin.enabled) return []
    const approved = pin !== undefined && pin.hash === hashes[tool.name]
    if (!approved && settings.pinPolicy === 'hold') return []
    return { tool, shown: pin?.alias ?? tool.name }
  })
}

/**
 * The same for what a server lists now, by the name at the server: a tool that differs from its record was approved by nobody. Under
 * `warn` it is shown as it is.
 */
export function allowedNames(
  connection: GatewayConnection,
  items: readonly Record<string, unknown>[],
): ReadonlyMap<string, string> {
  const callable = new Map(callableTools(connection).map(({ tool, shown }) => [tool.name, { tool, shown }]))
  const pins = new Map(connection.pins.map((pin) => [pin.name, pin]))
  const allowed = new Map<string, string>()
  for (const item of items) {
    if (typeof item.name !== 'string') continue
    const known = callable.get(item.name)
    if (connection.settings.pinPolicy === 'warn') {
      const pin = pins.get(item.name)
      if (pin?.enabled !== false) allowed.set(item.name, pin?.alias ?? item.name)
    } else if (known !== undefined && (item === known.tool || isDeepStrictEqual(item, known.tool))) {
      allowed.set(item.name, known.shown)
    }
  }
  return allowed
}
