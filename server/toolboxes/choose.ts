import type { Db } from '#server/db/with-actor.ts'
import { AppError } from '#server/errors.ts'
import { inWords, loadRoom, type Needs, runsKind, shortages, type ToolboxRoom } from './room.ts'

/** Most toolboxes that a refusal names. */
const NAMED = 8

/**
 * The toolbox asked for, or the active one with the most memory left. Throws AppError TOOLBOX_NOT_FOUND, TOOLBOX_NOT_ACTIVE,
 * TOOLBOX_LACKS_DOCKER, TOOLBOX_FULL or NO_TOOLBOX_AVAILABLE, which name what is missing and where there is room. Locks the rows that it chooses from, so
 * that two deploys cannot take the same room; not against the keys that a worker's new instances refer to. Takes its locks before
 * those of servers, as everything does. `except` is an instance that goes before the new one starts.
 */
export async function chooseToolbox(
  db: Db,
  wantedId: string | undefined,
  needs: Needs,
  options: { except?: string | undefined } = {},
): Promise<string> {
  await lockToolbox(db, wantedId)
  const toolboxes = await loadRoom(db, { except: options.except })
  if (wantedId === undefined) return roomiest(toolboxes, needs)
  const wanted = toolboxes.find(({ id }) => id === wantedId)
  if (!wanted)
    throw new AppError('TOOLBOX_NOT_FOUND', `no toolbox ${wantedId}`, {
      fields: { toolboxId: ['There is no such toolbox.'] },
    })
  if (wanted.state !== 'active')
    throw new AppError('TOOLBOX_NOT_ACTIVE', `${wanted.name} is ${wanted.state}`, {
      detail: `${wanted.name} is ${wanted.state}.`,
    })
  if (!runsKind(wanted, needs)) throw lacksDocker(toolboxes, wanted.name)
  refuseWithoutRoom(wanted, toolboxes, needs)
  return wanted.id
}

/**
 * Room to run an instance again that takes none now, on the toolbox where it is, whatever the state of that. Throws AppError
 * TOOLBOX_FULL. Needs the toolbox locked.
 */
export async function requireRoom(
  db: Db,
  toolboxId: string,
  needs: Needs,
  options: { except: string },
): Promise<void> {
  const toolboxes = await loadRoom(db, options)
  const toolbox = toolboxes.find(({ id }) => id === toolboxId)
  // One that has never said how much it has cannot be judged.
  if (toolbox?.left) refuseWithoutRoom(toolbox, [], needs)
}

/** Waits until nobody else is about to take room of this toolbox, or of any. */
export async function lockToolbox(db: Db, id: string | undefined): Promise<void> {
  await db.$queryRaw`SELECT id FROM toolboxes WHERE ${id ?? null}::uuid IS NULL OR id = ${id ?? null}::uuid ORDER BY id FOR NO KEY UPDATE`
}

function refuseWithoutRoom(toolbox: ToolboxRoom, others: readonly ToolboxRoom[], needs: Needs): void {
  const lacking = shortages(toolbox, needs)
  if (lacking.length === 0) return
  const roomy = others.filter(
    (other) => other.state === 'active' && runsKind(other, needs) && shortages(other, needs).length === 0,
  )
  const elsewhere = roomy.length > 0 ? [`There is room on ${roomOf(roomy, ', ')}.`] : []
  throw new AppError('TOOLBOX_FULL', `${toolbox.name} is full`, {
    detail: [...lacking, ...elsewhere].join(' '),
  })
}

function lacksDocker(toolboxes: readonly ToolboxRoom[], name: string | null): AppError {
  const able = toolboxes.filter(({ driver, state }) => driver === 'docker' && state === 'active')
  const first =
    name === null ? 'No active toolbox runs containers.' : `${name} runs npm packages as processes.`
  const elsewhere = able.length > 0 ? ` ${roomOf(able, ', ')} can run images.` : ''
  return new AppError('TOOLBOX_LACKS_DOCKER', first, { detail: `${first}${name === null ? '' : elsewhere}` })
}

function roomiest(all: readonly ToolboxRoom[], needs: Needs): string {
  const toolboxes = all.filter((toolbox) => runsKind(toolbox, needs))
  if (needs.driver !== null && all.length > 0 && !toolboxes.some(({ state }) => state === 'active'))
    throw lacksDocker(all, null)
  const memoryLeft = (toolbox: ToolboxRoom) => toolbox.left?.memoryMb ?? 0
  const [best] = toolboxes
    .filter((toolbox) => toolbox.state === 'active' && shortages(toolbox, needs).length === 0)
    .sort((a, b) => memoryLeft(b) - memoryLeft(a))
  if (best) return best.id
  const known = toolboxes.filter(({ state }) => state !== 'deleting')
  const detail =
    known.length === 0
      ? 'There is no toolbox yet.'
      : `The server may use ${inWords(needs)}. Left: ${roomOf(known, '; ')}.`
  throw new AppError('NO_TOOLBOX_AVAILABLE', 'no toolbox fits', { detail })
}

function roomOf(toolboxes: readonly ToolboxRoom[], between: string): string {
  const named = toolboxes.slice(0, NAMED).map(({ name, state, left }) => {
    if (state !== 'active') return `${name} is ${state}`
    return left ? `${name} (${inWords(left)})` : `${name} (not known yet)`
  })
  const more = toolboxes.length - named.length
  return [...named, ...(more > 0 ? [`${more} more`] : [])].join(between)
}
