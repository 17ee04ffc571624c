import type { LoadResult } from './load.ts'
import type { ClientTarget } from './mcp-client.ts'

/** One way from the load generator to a server. */
export interface Contender {
  name: string
  upstream: 'http' | 'stdio' | 'everything'
  target: ClientTarget
  /** Of what stands between; what is below them counts too. */
  pids: number[]
  peer?: boolean
  /** Starts a process for each request: told, not compared. */
  spawnsPerRequest?: boolean
}

export interface Measured {
  contender: Contender
  connections: number
  results: LoadResult[]
  failed: string | null
}

/** Medians of the runs of one contender at one number of connections. */
export interface Row {
  name: string
  upstream: Contender['upstream']
  connections: number
  peer: boolean
  spawnsPerRequest: boolean
  failed: string | null
  perSecond: number
  p50: number
  p99: number
  cpuMs: number
  memoryMb: number
}
