/** All states that the engine's API knows (State.Status of a container). */
export const CONTAINER_STATES = [
  'created',
  'running',
  'paused',
  'restarting',
  'removing',
  'exited',
  'dead',
] as const
export type ContainerState = (typeof CONTAINER_STATES)[number]

/**
 * What is done with a container of an instance that is to run: `keep` it as it is, `resume` it, or `replace` it by a new one.
 * `alive` says whether processes of it exist.
 */
export type Handling = { take: 'keep' | 'resume' | 'replace'; alive: boolean; says: string }

const HANDLING: Record<ContainerState, Handling> = {
  created: { take: 'replace', alive: false, says: 'was made and never started' },
  running: { take: 'keep', alive: true, says: 'runs' },
  paused: { take: 'resume', alive: true, says: 'was paused from outside' },
  restarting: { take: 'replace', alive: true, says: 'is restarted by the engine, which is not wanted' },
  removing: { take: 'replace', alive: false, says: 'is being removed' },
  exited: { take: 'replace', alive: false, says: 'has ended' },
  dead: { take: 'replace', alive: false, says: 'could not be removed by the engine' },
}

/** A state that a later engine may have is treated as one that has to be replaced. */
export function handlingOf(state: string): Handling {
  return (
    HANDLING[state as ContainerState] ?? { take: 'replace', alive: true, says: `is in the state "${state}"` }
  )
}
