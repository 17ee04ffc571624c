import type { ProbeResult } from '#contracts/probe.ts'

/** The stage in which a server answers for the first time, by its present and its former name. */
const HANDSHAKE: readonly string[] = ['protocol', 'initialize']

/** What a person sees as the time that a server took, milliseconds: its first answer, not the reading of its lists. */
export function handshakeMs(probe: Extract<ProbeResult, { ok: true }>): number {
  return probe.stages.find(({ name }) => HANDSHAKE.includes(name))?.ms ?? probe.ms
}
