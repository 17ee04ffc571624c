import { z } from 'zod'

const VARIABLE = 'TOOLBERTH_E2E'

/** The Toolberth that global set-up has started, as the specs see it. */
const Installation = z.object({
  url: z.string(),
  gatewayUrl: z.string(),
  adminEmail: z.string(),
  adminPassword: z.string(),
  adminApiKey: z.string(),
})
export type Installation = z.infer<typeof Installation>

/** Playwright's workers inherit the environment of global set-up. */
export function publishInstallation(installation: Installation): void {
  process.env[VARIABLE] = JSON.stringify(Installation.parse(installation))
}

export function readInstallation(): Installation {
  return Installation.parse(JSON.parse(process.env[VARIABLE] ?? '{}'))
}
