import { CircleCheck, CircleX, LoaderCircle, Unplug } from 'lucide-react'
import { Badge } from '#app/components/ui/badge.tsx'
import type { ConnectionState } from '#contracts/agents.ts'

const looks = {
  testing: { tone: 'info', icon: LoaderCircle, label: 'Testing' },
  connected: { tone: 'ok', icon: CircleCheck, label: 'Connected' },
  failing: { tone: 'bad', icon: CircleX, label: 'Failing' },
  disconnected: { tone: 'neutral', icon: Unplug, label: 'Disconnected' },
} as const

export function ConnectionStateBadge({ state }: { state: ConnectionState }) {
  const { tone, icon, label } = looks[state]
  return (
    <Badge tone={tone} icon={icon} spin={state === 'testing'}>
      {label}
    </Badge>
  )
}
