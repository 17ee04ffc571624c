const MIB = 1024 * 1024

/** Room for processes of isolated servers: each may use its server's whole memory limit. */
export type Seats = {
  /** How to leave again, or in words why there is no room. The first of an instance always has some: the control plane saw to it. */
  take(instanceId: string, memoryMb: number): (() => void) | string
}

/**
 * The machine's memory is promised once: to every instance that is to run, and to every further session of an isolated one. At most
 * `perInstance` sessions of each.
 */
export function createSeats(options: {
  totalBytes: number
  perInstance: number
  /** All that are to run here. */
  instances(): { id: string; memoryMb: number }[]
}): Seats {
  const taken = new Map<string, number>()
  const of = (id: string) => taken.get(id) ?? 0

  return {
    take(instanceId, memoryMb) {
      const own = of(instanceId)
      if (own >= options.perInstance)
        return `The server has its ${own} sessions, and all are in use; try later.`
      const promised = options
        .instances()
        .reduce((sum, instance) => sum + instance.memoryMb * Math.max(1, of(instance.id)), 0)
      const left = Math.floor(options.totalBytes / MIB) - promised
      if (own > 0 && left < memoryMb)
        return `The toolbox has no ${memoryMb} MiB of memory left for another session of the server (${Math.max(0, left)} MiB left); try later.`
      taken.set(instanceId, own + 1)
      let left_ = false
      return () => {
        if (left_) return
        left_ = true
        taken.set(instanceId, of(instanceId) - 1)
      }
    },
  }
}
