'use client'

import { CircleMinus, CirclePlus, FilePenLine, Lock, ShieldCheck } from 'lucide-react'
import { AliasDialog } from '#app/components/connections/detail/alias-dialog.tsx'
import { ToolDiff } from '#app/components/connections/detail/tool-diff.tsx'
import { useUpdateConnection } from '#app/components/connections/detail/use-update-connection.ts'
import { Badge } from '#app/components/ui/badge.tsx'
import { Button } from '#app/components/ui/button.tsx'
import { cn } from '#app/components/ui/cn.ts'
import { FailureNotice } from '#app/components/ui/failure-notice.tsx'
import { Switch } from '#app/components/ui/switch.tsx'
import { readFailure } from '#app/trpc/failure.ts'
import type { ConnectionDetail } from '#contracts/agents.ts'
import type { ConnectionTool } from '#contracts/connection-settings.ts'

const PINS = {
  changed: { tone: 'warn', icon: FilePenLine, label: 'Changed' },
  new: { tone: 'info', icon: CirclePlus, label: 'New' },
  removed: { tone: 'neutral', icon: CircleMinus, label: 'Gone' },
} as const

interface ToolRowProps {
  connection: ConnectionDetail
  tool: ConnectionTool
  approving: boolean
  onApprove: () => void
}

export function ToolRow({ connection, tool, approving, onApprove }: ToolRowProps) {
  const update = useUpdateConnection()
  const ended = connection.state === 'disconnected'
  const pin = tool.pin === 'approved' ? null : PINS[tool.pin]
  const description = (tool.current ?? tool.approved)?.description
  return (
    <li className="grid gap-2.5 px-4 py-3" aria-label={tool.name}>
      <div className={cn('flex items-start gap-x-3 gap-y-2', pin && 'max-sm:flex-wrap')}>
        <div className="min-w-0 flex-1 basis-48">
          <div className="flex flex-wrap items-center gap-2">
            <code className="font-mono text-sm font-semibold break-all">{tool.name}</code>
            {pin ? (
              <Badge tone={pin.tone} icon={pin.icon}>
                {pin.label}
              </Badge>
            ) : null}
            {tool.held ? (
              <Badge tone="warn" icon={Lock}>
                Held
              </Badge>
            ) : null}
          </div>
          {tool.exposedName !== null && tool.exposedName !== tool.name ? (
            <p className="text-[0.8125rem] text-muted">
              called <code className="font-mono break-all">{tool.exposedName}</code>
            </p>
          ) : null}
          {description ? (
            <p className="mt-0.5 line-clamp-3 text-[0.8125rem] text-muted">{description}</p>
          ) : null}
        </div>
        {ended ? null : (
          <div className="flex items-center gap-1.5">
            {pin ? (
              <Button
                size="sm"
                busy={approving}
                aria-label={tool.pin === 'removed' ? `Forget ${tool.name}` : `Approve ${tool.name}`}
                onClick={onApprove}
              >
                <ShieldCheck aria-hidden />
                {tool.pin === 'removed' ? 'Forget' : 'Approve'}
              </Button>
            ) : null}
            {tool.pin === 'approved' || tool.pin === 'changed' ? (
              <>
                <AliasDialog connection={connection} tool={tool} />
                <Switch
                  aria-label={`Let the agent use ${tool.name}`}
                  checked={update.isPending ? !tool.enabled : tool.enabled}
                  disabled={update.isPending}
                  onCheckedChange={(enabled) =>
                    update.mutate({ id: connection.id, tools: [{ name: tool.name, enabled }] })
                  }
                />
              </>
            ) : null}
          </div>
        )}
      </div>
      {tool.pin === 'approved' ? null : <ToolDiff approved={tool.approved} current={tool.current} />}
      {update.error ? <FailureNotice failure={readFailure(update.error)} /> : null}
    </li>
  )
}
