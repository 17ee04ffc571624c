import {
  CircleCheck,
  CircleX,
  Hourglass,
  LoaderCircle,
  type LucideIcon,
  PackageOpen,
  ShieldAlert,
  ShieldCheck,
  Trash2,
  Unplug,
} from 'lucide-react'
import { Badge, type Tone } from '#app/components/ui/badge.tsx'
import type { Toolbox } from '#contracts/toolboxes.ts'

type ToolboxState = Toolbox['state']

export const TOOLBOX_LOOKS: Record<ToolboxState, { tone: Tone; icon: LucideIcon; label: string }> = {
  provisioning: { tone: 'info', icon: LoaderCircle, label: 'Provisioning' },
  enrolling: { tone: 'info', icon: Hourglass, label: 'Enrolling' },
  active: { tone: 'ok', icon: CircleCheck, label: 'Active' },
  unreachable: { tone: 'bad', icon: Unplug, label: 'Unreachable' },
  draining: { tone: 'warn', icon: PackageOpen, label: 'Draining' },
  failed: { tone: 'bad', icon: CircleX, label: 'Failed' },
  deleting: { tone: 'neutral', icon: Trash2, label: 'Deleting' },
}

export function ToolboxStateBadge({ state }: { state: ToolboxState }) {
  const { tone, icon, label } = TOOLBOX_LOOKS[state]
  return (
    <Badge tone={tone} icon={icon} spin={state === 'provisioning'}>
      {label}
    </Badge>
  )
}

const ISOLATION: Record<string, string> = {
  uid: 'A user of its own for each server',
  bwrap: 'bubblewrap sandbox',
  container: 'Containers',
}

/** How servers on a toolbox are kept apart; none at all is a danger and shown as one. */
export function IsolationBadge({ isolation }: { isolation: string | null }) {
  if (isolation === null) return null
  if (isolation === 'none')
    return (
      <Badge tone="bad" icon={ShieldAlert}>
        No isolation
      </Badge>
    )
  return (
    <Badge tone="neutral" icon={ShieldCheck}>
      {ISOLATION[isolation] ?? isolation}
    </Badge>
  )
}
