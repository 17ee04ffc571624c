import type { ProbeResult } from '#contracts/probe.ts'

/** What a person sees as the time that a server took, milliseconds: its first answer, not the reading of its lists. */
export function handshakeMs(probe: Extract<ProbeResult, { ok: true }>): number {
  return probe.stages.find(({ name }) => name === 'protocol')?.ms ?? probe.ms
}
