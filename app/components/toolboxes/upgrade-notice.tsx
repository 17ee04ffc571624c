import { CircleArrowUp, LoaderCircle } from 'lucide-react'
import { canUpgrade } from '#app/components/toolboxes/toolbox-actions.tsx'
import type { ToolboxWithServers } from '#app/components/toolboxes/types.ts'
import { FailureNotice } from '#app/components/ui/failure-notice.tsx'
import { describeFailure } from '#app/trpc/failure.ts'
import type { Upgrade } from '#contracts/toolboxes.ts'

const STEPS: Record<Exclude<Upgrade['state'], 'failed'>, string> = {
  requested: 'The agent is being told to upgrade.',
  fetching: 'The agent fetches and checks its new version.',
  restarting: 'The agent restarts into its new version.',
}

/** How far an upgrade is, why it failed, or that the agent and this installation are of different versions. */
export function UpgradeNotice({ toolbox }: { toolbox: ToolboxWithServers }) {
  const { upgrade, skew } = toolbox
  if (upgrade?.state === 'failed')
    return (
      <FailureNotice
        failure={describeFailure({
          code: 'UPGRADE_FAILED',
          detail: upgrade.detail,
          variable: null,
          exitCode: null,
        })}
      />
    )
  if (upgrade)
    return (
      <p
        role="status"
        className="flex items-center gap-2.5 rounded-xl bg-info-soft px-4 py-3 text-sm text-info"
      >
        <LoaderCircle aria-hidden className="size-4 shrink-0 animate-spin" />
        {STEPS[upgrade.state]}
      </p>
    )
  if (skew === null || skew === 'same') return null
  const versions = `Its agent is ${toolbox.agentVersion}, this installation is ${toolbox.newestAgentVersion}.`
  return (
    <div className="flex gap-3 rounded-xl border border-warn/35 bg-warn-soft px-4 py-3.5 text-sm">
      <CircleArrowUp aria-hidden className="mt-0.5 size-5 shrink-0 text-warn" />
      <div>
        <p className="font-semibold text-warn">
          {skew === 'newer'
            ? 'The agent is newer than this installation.'
            : skew === 'older'
              ? 'The agent is older than this installation.'
              : 'The agent is another build of this version.'}
        </p>
        <p>
          {skew === 'other-build' ? 'Both speak the same protocol.' : versions}{' '}
          {skew === 'newer'
            ? 'Upgrade Toolberth, or bring the agent back to its version.'
            : canUpgrade(toolbox)
              ? 'Upgrade it under More actions.'
              : toolbox.kind === 'local'
                ? 'It is upgraded together with Toolberth.'
                : 'Upgrade it the way it was installed.'}
        </p>
      </div>
    </div>
  )
}
