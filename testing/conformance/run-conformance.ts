import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { inject } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { startHttpPeer } from '#testing/probe-peers.ts'
import { noteProcess } from '#testing/run-folder.ts'

/** Revisions of MCP whose requirements the suite keeps, as its option `--requirements` names them. */
export type Revision = '2025-11-25' | '2026-07-28'

const require = createRequire(import.meta.url)
const SUITE = require.resolve('@modelcontextprotocol/conformance/dist/index.js')
const Requirements = z.object({ server: z.array(z.string()).min(1) })
const Checks = z.array(z.object({ id: z.string(), status: z.string(), errorMessage: z.string().optional() }))
const OUTPUT_FOLDER = /^(?:server-)?(.+)-\d{4}-\d\d-\d\dT[\d-]+Z$/
/** Each scenario is a process that takes seconds to load, and is given 30 s by the suite. */
const AT_ONCE = 3
const ASK_DRIVER = fileURLToPath(new URL('ask-driver.ts', import.meta.url))

/** Names of the scenarios that a revision requires of a server, frozen at its release. */
export function requiredScenarios(revision: Revision): string[] {
  const file = join(dirname(SUITE), '..', 'requirements', `${revision}.yaml`)
  return Requirements.parse(parse(readFileSync(file, 'utf8'))).server
}

/**
 * Runs the official suite against the server at `url`, as a process of its own. Answers what is wrong by scenario: an empty list
 * where it passed, also without a warning. A scenario that did not run is missing. One that hangs ends after 30 s.
 */
export function runConformance(url: string, revision: Revision): Promise<Map<string, string[]>> {
  return run(['server', '--url', url, '--requirements', revision])
}

/** What the suite wants of a client: a scenario, the server that it has made for it, and more that the client is told. */
export type ClientTask = { scenario: string; url: string; context: Record<string, unknown> }

/** The same for a client and the given scenarios, some at once: `drive` does what one wants, and throws when it cannot. */
export async function runClientConformance(
  revision: Revision,
  scenarios: string[],
  drive: (task: ClientTask) => Promise<void>,
): Promise<Map<string, string[]>> {
  const failures = new Map<string, string>()
  const driver = await startHttpPeer((request, response) => {
    void text(request)
      .then(async (body) => {
        const task = JSON.parse(body) as ClientTask
        await drive(task).catch(
          (error: unknown) => void failures.set(task.scenario, `driver: ${String(error)}`),
        )
        response.end()
      })
      .catch(() => response.destroy())
  })
  const command = [process.execPath, ASK_DRIVER, driver.url].join(' ')
  const results: Map<string, string[]>[] = []
  for (let from = 0; from < scenarios.length; from += AT_ONCE) {
    const some = scenarios
      .slice(from, from + AT_ONCE)
      .map((scenario) =>
        run(['client', '--command', command, '--scenario', scenario, '--spec-version', revision]),
      )
    results.push(...(await Promise.all(some)))
  }
  await driver.stop()
  return new Map(
    results.flatMap((result) =>
      [...result].map(([scenario, wrong]): [string, string[]] => {
        const failure = failures.get(scenario)
        return [scenario, failure === undefined ? wrong : [...wrong, failure]]
      }),
    ),
  )
}

async function run(args: string[]): Promise<Map<string, string[]>> {
  const out = mkdtempSync(join(inject('runFolder'), 'conformance-'))
  const suite = spawn(process.execPath, [SUITE, ...args, '-o', out], { stdio: 'ignore' })
  if (suite.pid !== undefined) noteProcess(inject('runFolder'), suite.pid)
  await once(suite, 'exit')
  const results = new Map<string, string[]>()
  for (const folder of readdirSync(out)) {
    const scenario = OUTPUT_FOLDER.exec(folder)?.[1]
    if (scenario !== undefined) results.set(scenario, wrongIn(join(out, folder, 'checks.json')))
  }
  return results
}

function wrongIn(file: string): string[] {
  if (!existsSync(file)) return ['the scenario broke off']
  const checks = Checks.parse(JSON.parse(readFileSync(file, 'utf8')))
  if (checks.every(({ status }) => status !== 'SUCCESS')) return ['nothing was checked']
  return checks
    .filter(({ status }) => status === 'FAILURE' || status === 'WARNING')
    .map(({ id, errorMessage }) => `${id}: ${errorMessage ?? ''}`)
}
