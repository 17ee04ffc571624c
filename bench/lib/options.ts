import { parseArgs } from 'node:util'

export interface BenchOptions {
  /** How many deployments at once. */
  count: number
  /** An npm package; left out: a server without dependencies that comes with the repository. */
  package: string | null
  /** Where the results go as JSON as well. */
  out: string | null
}

/** Throws Error with one line for what it does not know. */
export function readBenchOptions(args: string[], count: number): BenchOptions {
  const { values } = parseArgs({
    args,
    options: { count: { type: 'string' }, package: { type: 'string' }, out: { type: 'string' } },
  })
  const asked = Number(values.count ?? count)
  if (!Number.isInteger(asked) || asked < 1 || asked > 200) throw new Error('--count is 1 to 200.')
  return { count: asked, package: values.package ?? null, out: values.out ?? null }
}
