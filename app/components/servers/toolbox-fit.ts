import { TOOLBOX_LOOKS } from '#app/components/toolboxes/toolbox-state.tsx'
import { formatBytes } from '#app/components/ui/format.ts'
import type { Toolbox } from '#contracts/toolboxes.ts'

const MIB = 1024 * 1024

interface Asked {
  sourceType: string
  memoryMb: number
}

/** Memory that is not yet promised to servers, in MiB; null before the toolbox has said what it has. */
export function roomMb(toolbox: Pick<Toolbox, 'host' | 'memoryCommittedMb'>): number | null {
  if (!toolbox.host) return null
  return Math.max(0, Math.floor(toolbox.host.memoryTotalBytes / MIB) - toolbox.memoryCommittedMb)
}

/** Why a toolbox cannot take what is asked, in words; null when it can. The server decides again when it deploys. */
export function whyNot(
  toolbox: Pick<Toolbox, 'host' | 'memoryCommittedMb' | 'state' | 'driver'>,
  asked: Asked,
): string | null {
  if (toolbox.state !== 'active') return `It is ${TOOLBOX_LOOKS[toolbox.state].label.toLowerCase()}.`
  if (asked.sourceType === 'image' && toolbox.driver !== 'docker')
    return 'It runs npm packages only; images need a toolbox with Docker.'
  const room = roomMb(toolbox)
  if (room === null) return 'It has not said yet what it has.'
  if (room < asked.memoryMb)
    return `${formatBytes(room * MIB)} of memory are not promised yet, ${formatBytes(asked.memoryMb * MIB)} are asked for.`
  return null
}

/** The one that would be chosen now: of those that can take it, the one with the most room. */
export function mostRoom<T extends Toolbox>(toolboxes: readonly T[], asked: Asked): T | null {
  const [best] = toolboxes
    .filter((toolbox) => whyNot(toolbox, asked) === null)
    .sort((one, other) => (roomMb(other) ?? 0) - (roomMb(one) ?? 0))
  return best ?? null
}
