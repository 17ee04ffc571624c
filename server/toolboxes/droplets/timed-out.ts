import type { DropletStep } from '#contracts/droplets.ts'
import { Failure } from '#contracts/errors.ts'
import { Bootstrap } from '#contracts/toolboxes.ts'
import { toFailure } from '#server/errors.ts'
import type { DropletRow } from './load.ts'

const WAITED: Partial<Record<DropletStep, string>> = {
  creating: 'It was not made.',
  booting: 'It was made, but never started or never got an address.',
  securing: 'It started, but its firewall was not set up.',
}

/** Why a droplet is not ready at its deadline: what was in the way last, else how far it came and what it said last. */
export function timedOut(row: DropletRow): Failure {
  const trouble = Failure.safeParse(row.trouble)
  if (trouble.success) return trouble.data
  return toFailure('DROPLET_TIMED_OUT', { detail: WAITED[row.step] ?? installing(row) })
}

function installing({ toolbox }: DropletRow): string {
  const unreached = Failure.safeParse(toolbox.failure)
  if (toolbox.state === 'enrolling')
    return `Its agent enrolled, but was not reached: ${unreached.data?.detail ?? 'it was not dialled yet'}`
  const said = Bootstrap.safeParse(toolbox.bootstrap)
  return said.success
    ? `It started, but its agent never enrolled. It said last: ${said.data.step}: ${said.data.message}`
    : 'It started, but its agent never reported.'
}
