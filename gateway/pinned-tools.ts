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
