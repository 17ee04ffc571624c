import type { Droplet, DropletStep } from '#contracts/droplets.ts'

export interface ShownStep {
  step: DropletStep
  label: string
  state: 'done' | 'current' | 'failed' | 'waiting'
  /** How long it took or has taken; null before it begins. */
  ms: number | null
}

const LABELS: Record<DropletStep, string> = {
  creating: 'Ask DigitalOcean for the droplet',
  booting: 'Start it and get an address',
  securing: 'Put the firewall before it',
  installing: 'Install Docker and the agent, and enrol',
  ready: 'Ready',
  destroying: 'Destroy the droplet and its firewall',
  gone: 'Nothing is left of it',
}
const MAKING = ['creating', 'booting', 'securing', 'installing', 'ready'] as const

/** The steps that a droplet really went through, and those that are still to come; of `now` (Unix ms) for the one under way. */
export function dropletSteps(droplet: Droplet, now: number): ShownStep[] {
  const { history } = droplet
  const ending = history.some(({ step }) => step === 'destroying')
  const went = new Map(history.map((entry) => [entry.step, entry]))
  const steps: DropletStep[] = ending
    ? [...history.map(({ step }) => step), ...(went.has('gone') ? [] : (['gone'] as const))]
    : [...MAKING]
  const stopped = ending && !went.has('ready') ? history.findLast(({ step }) => isMaking(step))?.step : null
  return steps.map((step) => {
    const entry = went.get(step)
    if (!entry) return { step, label: LABELS[step], state: 'waiting', ms: null }
    const over = entry.endedAt !== null
    const ms = Date.parse(entry.endedAt ?? new Date(now).toISOString()) - Date.parse(entry.startedAt)
    const instant = step === 'ready' || step === 'gone'
    const state = step === stopped ? 'failed' : over ? 'done' : 'current'
    return { step, label: LABELS[step], state, ms: instant ? null : Math.max(0, ms) }
  })
}

function isMaking(step: DropletStep): boolean {
  return (MAKING as readonly DropletStep[]).includes(step)
}

const GOING_ON: Partial<Record<DropletStep, string>> = {
  creating: 'Asking DigitalOcean for the droplet.',
  booting: 'The droplet is starting.',
  securing: 'The firewall of the droplet is being set up.',
  installing: 'Docker and the agent are being installed on the droplet.',
  destroying: 'The droplet is being destroyed; until that is confirmed it may still be billed.',
}

/** What goes on at a step; null where nothing does. */
export function stepWords(step: DropletStep): string | null {
  return GOING_ON[step] ?? null
}

/** "$6 a month", with cents only where there are some. */
export function monthly(price: number): string {
  return `$${Number.isInteger(price) ? price : price.toFixed(2)} a month`
}
