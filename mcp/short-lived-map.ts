/**
 * A map of what comes and goes with each message. A `Map` of V8 leaves tables behind as it grows and is tidied, each of which knows its
 * successor and what stood in it then. As soon as one of them is old, all that follow live on until the next collection of the whole heap,
 * and with them a good part of all requests that there were. Here each value has a box, which is emptied when it goes.
 */
export class ShortLivedMap<Key, Value> {
  readonly #boxes = new Map<Key, { value: Value | undefined }>()

  get size(): number {
    return this.#boxes.size
  }

  has(key: Key): boolean {
    return this.#boxes.has(key)
  }

  get(key: Key): Value | undefined {
    return this.#boxes.get(key)?.value
  }

  set(key: Key, value: Value): void {
    const box = this.#boxes.get(key)
    if (box === undefined) this.#boxes.set(key, { value })
    else box.value = value
  }

  /** Answers whether it was there. */
  delete(key: Key): boolean {
    const box = this.#boxes.get(key)
    if (box === undefined) return false
    box.value = undefined
    return this.#boxes.delete(key)
  }

  clear(): void {
    for (const key of [...this.#boxes.keys()]) this.delete(key)
  }

  /** As they are now, in the order in which they came: what is removed meanwhile is still among them. */
  values(): Value[] {
    return Array.from(this.#boxes.values(), ({ value }) => value as Value)
  }

  entries(): [Key, Value][] {
    return Array.from(this.#boxes, ([key, { value }]) => [key, value as Value])
  }

  keys(): Key[] {
    return [...this.#boxes.keys()]
  }
}
