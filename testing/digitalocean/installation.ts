import { randomBytes } from 'node:crypto'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, expect, inject } from 'vitest'
import type { TestEnvironment } from '#testing/env.ts'
import { seedUser, type TestUser, useSeededInstallation } from '#testing/seeded.ts'
import type { AccountOptions } from './account.ts'
import { type DropletRun, startDropletRun } from './droplet-run.ts'
import { type Simulator, startSimulator } from './simulator.ts'

export type DropletInstallation = TestEnvironment & {
  simulator: Simulator
  admin: TestUser
  /** Asks for a droplet toolbox of a new name. */
  start(this: void, options?: Omit<Parameters<typeof startDropletRun>[2], 'name'>): Promise<DropletRun>
}

/**
 * A seeded installation with the token of a simulated account. After each test nothing of its traffic may have been against
 * DigitalOcean's description, and the account is emptied.
 */
export async function useDropletInstallation(
  options: { account?: AccountOptions; env?: Record<string, string>; token?: boolean } = {},
): Promise<DropletInstallation> {
  const simulator = await startSimulator(options.account)
  const environment = await useSeededInstallation({
    PUBLIC_URL: 'https://toolberth.example.test',
    AGENT_FOLDER: packedAgent(),
    DIGITALOCEAN_API_URL: simulator.url,
    DIGITALOCEAN_REQUESTS_PER_MINUTE: '100000',
    DIGITALOCEAN_TIMEOUT_MS: '1000',
    ...options.env,
  })
  const admin = await seedUser({ role: 'ADMIN' })
  const { setCloudToken } = await import('#server/toolboxes/droplets/set-token.ts')
  if (options.token !== false) await setCloudToken({ ctx: admin.ctx, input: { token: simulator.token } })
  afterAll(() => simulator.close())
  afterEach(() => {
    const problems = [...simulator.problems]
    simulator.reset()
    expect(problems).toEqual([])
  })
  return {
    ...environment,
    simulator,
    admin,
    start: (more = {}) =>
      startDropletRun(simulator, admin, { name: `box-${randomBytes(4).toString('hex')}`, ...more }),
  }
}

/** Stands in for the agent that an installation packs when it starts: here only its checksums are asked for. */
function packedAgent(): string {
  const folder = mkdtempSync(join(inject('runFolder'), 'agent-'))
  writeFileSync(
    join(folder, 'agent.json'),
    JSON.stringify({ version: '0.1.0', sha256: 'a'.repeat(64), size: 1 }),
  )
  writeFileSync(join(folder, 'install.sh'), "#!/bin/sh\nURL='@CONTROL_PLANE_URL@'\n")
  return folder
}
