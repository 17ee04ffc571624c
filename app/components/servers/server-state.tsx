import {
  Ban,
  CircleCheck,
  CircleDashed,
  CirclePause,
  CircleX,
  LoaderCircle,
  type LucideIcon,
  Trash2,
  TriangleAlert,
  Undo2,
  Unplug,
} from 'lucide-react'
import { Badge, type Tone } from '#app/components/ui/badge.tsx'
import type { DeploymentState } from '#contracts/deployments.ts'
import type { ServerState } from '#contracts/servers.ts'

interface Look {
  tone: Tone
  icon: LucideIcon
  label: string
  spin?: boolean
}

export const SERVER_LOOKS: Record<ServerState, Look> = {
  deploying: { tone: 'info', icon: LoaderCircle, label: 'Deploying', spin: true },
  starting: { tone: 'info', icon: LoaderCircle, label: 'Starting', spin: true },
  running: { tone: 'ok', icon: CircleCheck, label: 'Running' },
  degraded: { tone: 'warn', icon: TriangleAlert, label: 'Degraded' },
  stopping: { tone: 'neutral', icon: LoaderCircle, label: 'Stopping', spin: true },
  stopped: { tone: 'neutral', icon: CirclePause, label: 'Stopped' },
  failed: { tone: 'bad', icon: CircleX, label: 'Failed' },
  unreachable: { tone: 'warn', icon: Unplug, label: 'Unreachable' },
  deleting: { tone: 'neutral', icon: Trash2, label: 'Deleting' },
}

const DEPLOYMENT_LOOKS: Record<DeploymentState, Look> = {
  queued: { tone: 'info', icon: CircleDashed, label: 'Queued' },
  preparing: { tone: 'info', icon: LoaderCircle, label: 'Preparing', spin: true },
  starting: { tone: 'info', icon: LoaderCircle, label: 'Starting', spin: true },
  probing: { tone: 'info', icon: LoaderCircle, label: 'Testing', spin: true },
  live: { tone: 'ok', icon: CircleCheck, label: 'Live' },
  failed: { tone: 'bad', icon: CircleX, label: 'Failed' },
  cancelled: { tone: 'neutral', icon: Ban, label: 'Cancelled' },
  rolled_back: { tone: 'warn', icon: Undo2, label: 'Rolled back' },
}

function LookBadge({ look }: { look: Look }) {
  return (
    <Badge tone={look.tone} icon={look.icon} spin={look.spin ?? false}>
      {look.label}
    </Badge>
  )
}

export const ServerStateBadge = ({ state }: { state: ServerState }) => (
  <LookBadge look={SERVER_LOOKS[state]} />
)

export const DeploymentStateBadge = ({ state }: { state: DeploymentState }) => (
  <LookBadge look={DEPLOYMENT_LOOKS[state]} />
)

export const isEnded = (state: DeploymentState): boolean =>
  state === 'live' || state === 'failed' || state === 'cancelled' || state === 'rolled_back'
