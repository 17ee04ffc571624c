import { randomBytes } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import { explainError } from '#client/explain-error.ts'
import { type ToolberthClient, waitForDeployment } from '#client/index.ts'
import type { CatalogEntry } from '#contracts/catalog.ts'

export interface CheckedEntry {
  slug: string
  version: string
  /** From asked to live; of one that failed, until then. */
  seconds: number
  tools: number
  /** Why it did not go live; null when it did. */
  failure: string | null
}

/** Opens nothing: it only stands where a value has to be. */
const STAND_IN = 'stand-in-0123456789abcdef'

/** Deploys an entry by its slug alone, with stand-ins for what has to be given, and deletes the server again. */
export async function checkEntry(
  api: ToolberthClient,
  entry: CatalogEntry,
  options: { keep: boolean },
): Promise<CheckedEntry> {
  const [release] = entry.releases
  const name = `check-${entry.slug.slice(0, 26).replace(/-+$/, '')}-${randomBytes(3).toString('hex')}`
  const startedAt = performance.now()
  const done = (tools: number, failure: string | null): CheckedEntry => ({
    slug: entry.slug,
    version: release?.version ?? '',
    seconds: Math.round((performance.now() - startedAt) / 100) / 10,
    tools,
    failure,
  })
  let serverId: string | null = null
  try {
    const accepted = await api.servers.deploy.mutate({ name, ...answersOf(entry) })
    serverId = accepted.serverId
    const { server } = await waitForDeployment(api, { serverId, deploymentId: accepted.deploymentId })
    return done(server.tools.length, server.tools.length > 0 ? null : 'It has no tools.')
  } catch (error) {
    const explained = explainError(error, null)
    return done(0, explained ? [explained.text, explained.detail].filter(Boolean).join(' ') : String(error))
  } finally {
    if (serverId && !options.keep) await api.servers.delete.mutate({ id: serverId, confirmName: name })
  }
}

function answersOf({ slug, releases: [release] }: CatalogEntry) {
  const open = <Asked extends { required: boolean; default?: string | undefined }>(
    list: readonly Asked[] = [],
  ) => list.filter((asked) => asked.required && asked.default === undefined)
  const answer = (asked: { choices?: string[] | undefined }) => asked.choices?.[0] ?? STAND_IN
  return {
    source: {
      type: 'catalog' as const,
      slug,
      arguments: Object.fromEntries(open(release?.arguments).map((asked) => [asked.key, answer(asked)])),
      ...(release?.headers.length && {
        headers: Object.fromEntries(open(release.headers).map((asked) => [asked.name, answer(asked)])),
      }),
    },
    env: Object.fromEntries(open(release?.variables).map((asked) => [asked.name, { value: answer(asked) }])),
  }
}
