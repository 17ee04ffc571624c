import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createRightsCache, type RightsCache, RightsUnavailableError } from './rights-cache.ts'

const hash = (name: string) => Buffer.from(name)

/** A store that counts its queries; `version` and `rights` are changed by the tests. */
function createStore() {
  const store = {
    version: 1n,
    down: false,
    hangs: false,
    loadsFail: false,
    rights: new Map<string, string>([['a', 'rights of a']]),
    loads: 0,
    reads: 0,
    async load(tokenHash: Buffer): Promise<string | null> {
      store.loads++
      if (store.hangs) return new Promise(() => {})
      if (store.down || store.loadsFail) throw new Error('down')
      return store.rights.get(tokenHash.toString()) ?? null
    },
    async readVersion(): Promise<bigint> {
      store.reads++
      if (store.hangs) return new Promise(() => {})
      if (store.down) throw new Error('down')
      return store.version
    },
    change(name: string, rights: string | null) {
      if (rights === null) store.rights.delete(name)
      else store.rights.set(name, rights)
      store.version++
    },
  }
  return store
}

describe('createRightsCache', () => {
  let store: ReturnType<typeof createStore>
  let cache: RightsCache<string>
  beforeEach(() => {
    vi.useFakeTimers()
    store = createStore()
    cache = createRightsCache(store)
  })
  afterEach(() => {
    cache.close()
    vi.useRealTimers()
  })

  it('loads once while nothing changes, unknown tokens too', async () => {
    for (let index = 0; index < 5; index++) {
      expect(await cache.get(hash('a'))).toBe('rights of a')
      expect(await cache.get(hash('nobody'))).toBeNull()
      await vi.advanceTimersByTimeAsync(300)
    }
    expect(store.loads).toBe(2)
  })

  it('loads once for questions at the same time', async () => {
    await Promise.all([cache.get(hash('a')), cache.get(hash('a')), cache.get(hash('a'))])
    expect(store.loads).toBe(1)
  })

  it('reads the version every 400 ms whatever is asked', async () => {
    await cache.get(hash('a'))
    const before = store.reads
    for (let ms = 0; ms < 4000; ms += 10) {
      await cache.get(hash('a'))
      await vi.advanceTimersByTimeAsync(10)
    }
    expect(store.reads - before).toBe(10)
  })

  it('knows of a change after 500 ms at most', async () => {
    expect(await cache.get(hash('a'))).toBe('rights of a')
    store.change('a', null)
    await vi.advanceTimersByTimeAsync(500)
    expect(await cache.get(hash('a'))).toBeNull()
  })

  it('tells those who watch, and nobody else', async () => {
    const seen: (string | null)[] = []
    await cache.get(hash('a'))
    const stop = cache.watch(hash('a'), (rights) => seen.push(rights))
    store.change('other', 'x')
    await vi.advanceTimersByTimeAsync(500)
    expect(seen).toEqual(['rights of a'])
    store.change('a', null)
    await vi.advanceTimersByTimeAsync(500)
    expect(seen).toEqual(['rights of a', null])
    stop()
    store.change('a', 'again')
    await vi.advanceTimersByTimeAsync(500)
    expect(seen).toHaveLength(2)
  })

  it('misses no change between a question and the watch', async () => {
    await cache.get(hash('a'))
    store.change('a', null)
    await vi.advanceTimersByTimeAsync(450)
    const seen: (string | null)[] = []
    cache.watch(hash('a'), (rights) => seen.push(rights))
    await vi.advanceTimersByTimeAsync(0)
    expect(seen).toEqual([null])
  })

  it('bridges a second without the store, then refuses, then goes on', async () => {
    await cache.get(hash('a'))
    store.down = true
    await vi.advanceTimersByTimeAsync(900)
    expect(await cache.get(hash('a'))).toBe('rights of a')
    await vi.advanceTimersByTimeAsync(600)
    await expect(cache.get(hash('a'))).rejects.toBeInstanceOf(RightsUnavailableError)
    store.down = false
    expect(await cache.get(hash('a'))).toBe('rights of a')
  })

  it('refuses when the store hangs', async () => {
    await cache.get(hash('a'))
    store.hangs = true
    await vi.advanceTimersByTimeAsync(1500)
    const asked = cache.get(hash('a')).catch((error: unknown) => error)
    await vi.advanceTimersByTimeAsync(1000)
    expect(await asked).toBeInstanceOf(RightsUnavailableError)
  })

  it('refuses a token that it cannot load, and does not remember that', async () => {
    await vi.advanceTimersByTimeAsync(0)
    store.down = true
    await expect(cache.get(hash('a'))).rejects.toBeInstanceOf(RightsUnavailableError)
    store.down = false
    expect(await cache.get(hash('a'))).toBe('rights of a')
  })

  it('loads again for a watch whose load failed', async () => {
    const seen: (string | null)[] = []
    await cache.get(hash('a'))
    cache.watch(hash('a'), (rights) => seen.push(rights))
    store.loadsFail = true
    store.change('a', null)
    await vi.advanceTimersByTimeAsync(500)
    store.loadsFail = false
    await vi.advanceTimersByTimeAsync(500)
    expect(seen).toEqual([null])
  })

  it('forgets what was used longest ago', async () => {
    cache.close()
    cache = createRightsCache(store, { maxEntries: 2 })
    for (const name of ['a', 'b', 'a', 'c']) await cache.get(hash(name))
    expect(store.loads).toBe(3)
    await cache.get(hash('a'))
    expect(store.loads).toBe(3)
    await cache.get(hash('b'))
    expect(store.loads).toBe(4)
  })
})
