import type { AgentUpgrade, PutAgent } from '#contracts/dtma.ts'
import { AgentFailure } from '#dtma/agent-failure.ts'
import type { Logger } from '#dtma/logger.ts'
import { createRedactor } from '#protocol/redact.ts'
import type { LauncherLink } from './launcher-link.ts'
import { unpackBuild } from './unpack-build.ts'

export type Upgrader = {
  build(): string | null
  upgrade(): AgentUpgrade | null
  /** Begins to replace this agent by another build; answers at once. Throws AgentFailure BAD_REQUEST where it cannot. */
  put(wanted: PutAgent): { build: string | null; upgrade: AgentUpgrade | null }
  /** The control plane accepted this agent. */
  accepted(): void
}

/** Replaces this agent by another build: fetches it, checks it, and lets the launcher try it. */
export function createUpgrader(options: {
  launcher: LauncherLink | null
  logger: Logger
  /** The archive that the control plane hands out now. */
  download(): Promise<Buffer>
  onChange(): void
}): Upgrader {
  const { launcher, logger } = options
  let state: AgentUpgrade | null = launcher?.failed ? { ...launcher.failed, state: 'failed' } : null
  if (state) logger.warn({ build: state.build, detail: state.detail }, 'upgrade failed')

  function show(next: AgentUpgrade): void {
    state = next
    options.onChange()
  }

  async function replace(link: LauncherLink, build: string): Promise<void> {
    try {
      await unpackBuild(link.prefix, build, await options.download())
      show({ build, state: 'restarting', detail: null })
      link.replaceBy(build)
    } catch (error) {
      logger.warn({ err: error }, 'upgrade failed')
      const detail = createRedactor([])
        .text((error as Error).message)
        .slice(0, 2000)
      show({ build, state: 'failed', detail })
    }
  }

  return {
    build: () => launcher?.build ?? null,
    upgrade: () => state,
    put({ build }) {
      if (launcher === null)
        throw new AgentFailure(
          'BAD_REQUEST',
          'This agent was not started by a launcher and cannot replace itself.',
        )
      const going = state !== null && state.state !== 'failed'
      if (build !== launcher.build && !going) {
        show({ build, state: 'fetching', detail: null })
        void replace(launcher, build)
      }
      return { build: launcher.build, upgrade: state }
    },
    accepted: () => launcher?.up(),
  }
}
