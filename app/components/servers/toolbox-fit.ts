import { type DeployValues, runsOf } from '#app/components/servers/deploy-values.ts'
import { TOOLBOX_LOOKS } from '#app/components/toolboxes/toolbox-state.tsx'
import { formatBytes } from '#app/components/ui/format.ts'
import type { Toolbox } from '#contracts/toolboxes.ts'

const MIB = 1024 * 1024

interface Asked {
  runs: string
  memoryMb: number
  cpus: number
}

type Candidate = Pick<Toolbox, 'state' | 'driver' | 'room'>

/** What the form asks a toolbox for. */
export const askedOf = (
  values: Pick<DeployValues, 'sourceType' | 'catalogRuns' | 'memoryMb' | 'cpus'>,
): Asked => ({
  runs: runsOf(values),
  // What runs elsewhere takes next to nothing here.
  memoryMb: runsOf(values) === 'remote' ? 0 : Number(values.memoryMb) || 0,
  cpus: runsOf(values) === 'remote' ? 0 : Number(values.cpus) || 0,
})

/** Why a toolbox cannot take what is asked, in words; null when it can. The server decides again when it deploys. */
export function whyNot({ state, driver, room }: Candidate, asked: Asked): string | null {
  if (state !== 'active') return `It is ${TOOLBOX_LOOKS[state].label.toLowerCase()}.`
  if (asked.runs === 'image' && driver !== 'docker')
    return 'It runs npm packages only; images need a toolbox with Docker.'
  if (room === null) return 'It has not said yet what it has.'
  if (room.memoryMb < asked.memoryMb)
    return `${formatBytes(Math.max(0, room.memoryMb) * MIB)} of memory are left, ${formatBytes(asked.memoryMb * MIB)} are asked for.`
  if (room.cpus < asked.cpus) return `${Math.max(0, room.cpus)} CPU are left, ${asked.cpus} are asked for.`
  return null
}

/** The one that would be chosen now: of those that can take it, the one with the most memory left. */
export function mostRoom<T extends Candidate>(toolboxes: readonly T[], asked: Asked): T | null {
  const [best] = toolboxes
    .filter((toolbox) => whyNot(toolbox, asked) === null)
    .sort((one, other) => (other.room?.memoryMb ?? 0) - (one.room?.memoryMb ?? 0))
  return best ?? null
}
