import type { Deployment, DeploymentState } from '#contracts/deployments.ts'

type StepName = 'queued' | 'preparing' | 'starting' | 'probing' | 'live'

interface Step {
  name: StepName
  label: string
  state: 'done' | 'current' | 'failed' | 'waiting'
  /** Milliseconds it took, or takes so far; null before it began. */
  ms: number | null
  /** The toolbox's own words for its parts, in order. */
  phases: string[]
}

const STEPS: { name: StepName; label: string }[] = [
  { name: 'queued', label: 'Queued' },
  { name: 'preparing', label: 'Preparing' },
  { name: 'starting', label: 'Starting' },
  { name: 'probing', label: 'Testing the MCP handshake' },
  { name: 'live', label: 'Live' },
]

const ENDED_BADLY = new Set<DeploymentState>(['failed', 'cancelled', 'rolled_back'])

/** Steps of a deployment out of the phases that were recorded, durations included. */
export function stepsOf(deployment: Deployment, now: number): Step[] {
  const bad = ENDED_BADLY.has(deployment.state)
  const real = deployment.phases.filter((phase) => !ENDED_BADLY.has(phase.state))
  const last = bad ? real.at(-1)?.state : deployment.state
  const lastIndex = STEPS.findIndex((step) => step.name === last)
  return STEPS.map(({ name, label }, index) => {
    const parts = real.filter((phase) => phase.state === name)
    const ended = deployment.finishedAt ? Date.parse(deployment.finishedAt) : now
    const ms = parts.reduce(
      (sum, part) => sum + (part.endedAt ? Date.parse(part.endedAt) : ended) - Date.parse(part.startedAt),
      0,
    )
    const state =
      index < lastIndex || deployment.state === 'live'
        ? 'done'
        : index === lastIndex
          ? bad
            ? 'failed'
            : 'current'
          : 'waiting'
    const phases = [...new Set(parts.flatMap((part) => part.phase ?? []))].filter((phase) => phase !== label)
    if (
      state === 'current' &&
      deployment.phase &&
      deployment.phase !== label &&
      !phases.includes(deployment.phase)
    )
      phases.push(deployment.phase)
    return {
      name,
      label,
      state,
      ms: parts.length > 0 && state !== 'waiting' && name !== 'live' ? Math.max(0, ms) : null,
      phases: state === 'waiting' ? [] : phases,
    }
  })
}
