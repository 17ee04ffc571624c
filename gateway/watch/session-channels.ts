import type { ClientSide } from '#gateway/relay/client-side.ts'
import type { Upstream } from '#gateway/relay/forward-types.ts'
import type { UpstreamTarget } from '#gateway/upstream/target.ts'
import { within } from '#gateway/within.ts'
import type { ChannelListener, SessionChannels } from './channel-types.ts'
import { openSessionChannel, type SessionChannel } from './session-channel.ts'

/** A channel that nobody needs stays open this long, for clients call again soon; milliseconds. */
const IDLE_MS = 60_000
/** A call waits for its channel this long at most, milliseconds: what a server asks before it is open would be lost. */
const OPEN_WITHIN_MS = 250
/** Of one process; sessions beyond are asked on the streams of their requests alone. */
const MAX_CHANNELS = 1000

interface Entry {
  key: string
  owner: string
  target: UpstreamTarget
  channel: SessionChannel
  /** Its agent is not connected there any more. */
  dropped: boolean
  idle: NodeJS.Timeout | undefined
}

export function createSessionChannels(
  upstream: Omit<Upstream, 'channels'>,
  options: {
    idleMs?: number | undefined
    maxChannels?: number
    /** The stream of a client that has none in this process. */
    elsewhere?: (client: ClientSide) => ChannelListener | undefined
  } = {},
): SessionChannels {
  const idleMs = Math.min(options.idleMs ?? IDLE_MS, IDLE_MS)
  const maxChannels = options.maxChannels ?? MAX_CHANNELS
  /** The least recently used first. */
  const entries = new Map<string, Entry>()
  const byOwner = new Map<string, Set<Entry>>()
  const streams = new Map<string, ChannelListener>()

  function stop(entry: Entry): void {
    if (entries.get(entry.key) === entry) entries.delete(entry.key)
    const owned = byOwner.get(entry.owner)
    owned?.delete(entry)
    if (owned?.size === 0) byOwner.delete(entry.owner)
    clearTimeout(entry.idle)
    entry.channel.stop()
  }

  function stopLater(entry: Entry): void {
    clearTimeout(entry.idle)
    if (entries.get(entry.key) !== entry) return
    if (entry.dropped) return stop(entry)
    entry.idle = setTimeout(() => {
      // A client that listens can be asked at any time.
      if (!entry.channel.inUse && !streams.has(entry.owner)) stop(entry)
    }, idleMs)
    entry.idle.unref()
  }

  /** null: there is no room for one more. */
  function channelFor(target: UpstreamTarget, client: ClientSide): SessionChannel | null {
    const owner = client.use.key
    const key = `${owner}:${placeOf(target)}`
    const known = entries.get(key)
    if (known !== undefined) {
      clearTimeout(known.idle)
      entries.delete(key)
      entries.set(key, known)
      return known.channel
    }
    if (entries.size >= maxChannels) {
      for (const entry of entries.values()) {
        if (entry.channel.inUse) continue
        stop(entry)
        break
      }
      if (entries.size >= maxChannels) return null
    }
    const entry: Entry = {
      key,
      owner,
      target,
      dropped: false,
      idle: undefined,
      channel: openSessionChannel({
        upstream,
        target,
        client,
        stream: () => streams.get(owner) ?? options.elsewhere?.(client),
        onUnused: () => stopLater(entry),
      }),
    }
    entries.set(key, entry)
    const owned = byOwner.get(owner) ?? new Set()
    byOwner.set(owner, owned.add(entry))
    return entry.channel
  }

  return {
    get size() {
      return entries.size
    },
    enter(target, client, lease, call) {
      if (client.ask === null || !(hasKeys(client.capabilities) || client.use.logLevel !== undefined))
        return null
      const channel = channelFor(target, client)
      if (channel === null) return null
      const leave = channel.enter(lease, call)
      return { ready: within(channel.ready, OPEN_WITHIN_MS), leave }
    },
    attach(key, stream) {
      streams.set(key, stream)
      return () => {
        if (streams.get(key) !== stream) return
        streams.delete(key)
        for (const entry of byOwner.get(key) ?? []) if (!entry.channel.inUse) stopLater(entry)
      }
    },
    hold(target, client, onUpdated) {
      const none = { ready: Promise.resolve(), want() {}, release() {} }
      return channelFor(target, client)?.hold(onUpdated) ?? none
    },
    keepOnly(agentId, current) {
      const kept = new Set(current.map(placeOf))
      for (const entry of [...entries.values()]) {
        if (entry.target.agentId !== agentId) continue
        entry.dropped = !kept.has(placeOf(entry.target))
        if (entry.dropped && !entry.channel.inUse) stop(entry)
      }
    },
    end(key) {
      for (const entry of [...(byOwner.get(key) ?? [])]) stop(entry)
    },
    close() {
      for (const entry of [...entries.values()]) stop(entry)
    },
  }
}

const placeOf = ({ instanceId, credentials = '', toolbox }: UpstreamTarget) =>
  `${instanceId}:${credentials}:${toolbox.url}`

function hasKeys(record: Record<string, unknown>): boolean {
  for (const _ in record) return true
  return false
}
