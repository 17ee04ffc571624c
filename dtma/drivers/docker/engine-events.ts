import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import type { Engine } from './engine.ts'
import { LABEL } from './labels.ts'

const RETRY_MS = 1_000

const EngineEvent = z.object({
  Action: z.string(),
  Actor: z.object({ ID: z.string(), Attributes: z.record(z.string(), z.string()).default({}) }),
})
export type ContainerEvent = { action: string; containerId: string }

/**
 * One stream of what happens to our containers. `onUp` is called whenever it begins: what happened before has to be looked at.
 * Tries for ever; `onAway` is called once for each time that the engine is lost.
 */
export function watchEngine(
  engine: Engine,
  handlers: { onUp(): void; onAway(): void; onEvent(event: ContainerEvent): void },
): { up(): boolean; close(): void } {
  const closing = new AbortController()
  const { signal } = closing
  let up = false

  async function follow(): Promise<void> {
    const stream = await engine.streams.getEvents({
      filters: { type: ['container'], label: [LABEL.instance] },
      abortSignal: signal,
    })
    up = true
    handlers.onUp()
    let partial = ''
    for await (const piece of stream) {
      const lines = (partial + String(piece)).split('\n')
      partial = lines.pop() ?? ''
      for (const line of lines) {
        const parsed = EngineEvent.safeParse(line === '' ? null : JSON.parse(line))
        if (parsed.success) {
          handlers.onEvent({ action: parsed.data.Action, containerId: parsed.data.Actor.ID })
        }
      }
    }
  }

  async function loop(): Promise<void> {
    while (!signal.aborted) {
      await follow().catch(() => undefined)
      if (signal.aborted) return
      if (up) handlers.onAway()
      up = false
      await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined)
    }
  }
  void loop()
  return { up: () => up, close: () => closing.abort() }
}
