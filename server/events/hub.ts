import type { Redis } from 'ioredis'
import { systemCtx } from '#server/context.ts'
import { withActor } from '#server/db/with-actor.ts'
import { logger } from '#server/logger.ts'
import { openSubscriber } from '#server/redis.ts'
import { currentCursor, type EventCursor, parseCursor } from './cursor.ts'
import { hintChannel } from './hints.ts'
import { readEvents, type StoredEvent } from './read.ts'

export type Listener = (events: readonly StoredEvent[]) => void

/** A held-back event gets no second hint, so there is a poll beside the hints. */
const POLL_MS = 1_000
/** Hints that arrive close together are answered with one read. */
const COALESCE_MS = 50
const BATCH = 500

/**
 * The process's one tailer: reads each new event once and gives it to every listener. Runs while it has listeners. Lives on
 * globalThis, since Next evaluates modules several times.
 */
export class EventHub {
  readonly #listeners = new Set<Listener>()
  #subscriber: Redis | null = null
  #timer: NodeJS.Timeout | null = null
  #position: EventCursor | null = null
  #positioned = Promise.withResolvers<void>()
  #reading = false
  #again = false
  #dueAt = Number.POSITIVE_INFINITY

  /**
   * Begins at the present, which is known once `positioned` has resolved: what a query begun later does not see will be given to
   * the listener. `positioned` stays open for ever when the hub stops first.
   */
  listen(listener: Listener): { positioned: Promise<void>; stop: () => void } {
    this.#listeners.add(listener)
    if (this.#listeners.size === 1) this.#start()
    return {
      positioned: this.#positioned.promise,
      stop: () => {
        if (this.#listeners.delete(listener) && this.#listeners.size === 0) this.#stop()
      },
    }
  }

  close(): void {
    this.#listeners.clear()
    this.#stop()
  }

  #start(): void {
    this.#subscriber = openSubscriber()
    this.#subscriber.on('message', () => this.#readIn(COALESCE_MS))
    this.#subscriber.subscribe(hintChannel()).catch(() => undefined)
    this.#readIn(0)
  }

  #stop(): void {
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
    this.#dueAt = Number.POSITIVE_INFINITY
    this.#position = null
    this.#positioned = Promise.withResolvers()
    this.#subscriber?.disconnect()
    this.#subscriber = null
  }

  #readIn(ms: number): void {
    if (this.#reading) {
      this.#again = true
      return
    }
    const dueAt = Date.now() + ms
    if (dueAt >= this.#dueAt || this.#listeners.size === 0) return
    if (this.#timer) clearTimeout(this.#timer)
    this.#dueAt = dueAt
    this.#timer = setTimeout(() => void this.#read(), ms)
  }

  async #read(): Promise<void> {
    this.#dueAt = Number.POSITIVE_INFINITY
    this.#reading = true
    this.#again = false
    try {
      const more = await this.#readOnce()
      this.#again ||= more
    } catch (error) {
      logger.warn({ err: error }, 'events could not be read; trying again')
    } finally {
      this.#reading = false
    }
    this.#readIn(this.#again ? COALESCE_MS : POLL_MS)
  }

  async #readOnce(): Promise<boolean> {
    const position = this.#position
    const batch = await withActor(systemCtx('events').actor, async (db) => {
      if (position) return readEvents(db, position, BATCH)
      this.#position = parseCursor(await currentCursor(db))
      return null
    })
    if (batch?.last) this.#position = batch.last
    if (this.#position) this.#positioned.resolve()
    if (!batch || batch.events.length === 0) return batch?.full ?? false
    for (const listener of this.#listeners) listener(batch.events)
    return batch.full
  }
}

const holder = globalThis as typeof globalThis & { toolberthEventHub?: EventHub }
export function eventHub(): EventHub {
  holder.toolberthEventHub ??= new EventHub()
  return holder.toolberthEventHub
}
