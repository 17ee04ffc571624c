import { z } from 'zod'
import { AgentBuild } from '#contracts/dtma.ts'
import type { FromAgent } from '#dtma/launcher/launch.ts'

const Failed = z.object({ build: AgentBuild, detail: z.string() })

/** What ties an agent to the launcher that started it. */
export type LauncherLink = {
  /** The build that runs. */
  build: string
  /** Folder that holds `versions`. */
  prefix: string
  /** A build that was tried and did not come up. */
  failed: z.infer<typeof Failed> | null
  /** The control plane accepted this agent. */
  up(): void
  /** Asks to be ended and replaced by another build. */
  replaceBy(build: string): void
}

/** Null when no launcher started this process: it runs from sources or an image, and cannot replace itself. */
export function findLauncher(onLost: () => void): LauncherLink | null {
  const { DTMA_BUILD, DTMA_PREFIX, DTMA_UPGRADE_FAILED } = process.env
  const build = AgentBuild.safeParse(DTMA_BUILD)
  if (!process.send || !build.success || DTMA_PREFIX === undefined) return null
  // Its successor starts an agent of its own, which must not find this one in its place.
  process.once('disconnect', onLost)
  let told = false
  return {
    build: build.data,
    prefix: DTMA_PREFIX,
    failed: DTMA_UPGRADE_FAILED === undefined ? null : Failed.parse(JSON.parse(DTMA_UPGRADE_FAILED)),
    up() {
      if (!told) send({ type: 'up' })
      told = true
    },
    replaceBy: (next) => send({ type: 'upgrade', build: next }),
  }
}

function send(message: FromAgent): void {
  process.send?.(message)
}
