'use client'

import { Check, CircleDashed, LoaderCircle, X } from 'lucide-react'
import { dropletSteps, monthly, type ShownStep } from '#app/components/toolboxes/droplet-steps.ts'
import { Card, CardHeader } from '#app/components/ui/card.tsx'
import { cn } from '#app/components/ui/cn.ts'
import { Facts } from '#app/components/ui/facts.tsx'
import { FailureNotice } from '#app/components/ui/failure-notice.tsx'
import { formatDuration } from '#app/components/ui/format.ts'
import { useNow } from '#app/components/ui/use-now.ts'
import { trpc } from '#app/trpc/client.ts'
import { describeFailure, readFailure } from '#app/trpc/failure.ts'
import type { Droplet } from '#contracts/droplets.ts'
import type { Toolbox } from '#contracts/toolboxes.ts'

const ICONS = { done: Check, current: LoaderCircle, failed: X, waiting: CircleDashed } as const
const LOOKS = { done: 'text-ok', current: 'text-info', failed: 'text-bad', waiting: 'text-muted' } as const
const WORDS = { done: 'done', current: 'in progress', failed: 'failed', waiting: 'not started' } as const

function Step({ step, said }: { step: ShownStep; said: string | null }) {
  const Icon = ICONS[step.state]
  return (
    <li className="flex gap-3 py-1.5 text-sm">
      <Icon
        aria-hidden
        className={cn(
          'mt-0.5 size-4 shrink-0',
          LOOKS[step.state],
          step.state === 'current' && 'animate-spin',
        )}
      />
      <span className="sr-only">{WORDS[step.state]}:</span>
      <span className="min-w-0 flex-1">
        <span className={cn(step.state === 'waiting' && 'text-muted', step.state === 'failed' && 'text-bad')}>
          {step.label}
        </span>
        {said ? <span className="block text-[0.8125rem] break-words text-muted">{said}</span> : null}
      </span>
      {step.ms === null ? null : (
        <span className="shrink-0 text-[0.8125rem] text-muted tabular-nums">{formatDuration(step.ms)}</span>
      )}
    </li>
  )
}

function Steps({ toolbox, droplet }: { toolbox: Toolbox; droplet: Droplet }) {
  const over = droplet.step === 'ready' || droplet.step === 'gone'
  const now = useNow(over ? null : 1_000)
  const steps = dropletSteps(droplet, now)
  const current = steps.find(({ state }) => state === 'current')
  return (
    <div className="px-4 py-3 sm:px-5">
      <p className="sr-only" role="status">
        {current?.label ?? steps.at(-1)?.label}
      </p>
      <ol aria-label="Steps of the droplet">
        {steps.map((step) => (
          <Step
            key={step.step}
            step={step}
            said={
              step.step === 'installing' && step.state === 'current'
                ? (toolbox.bootstrap?.message ?? 'Waiting to hear from the machine. This takes some minutes.')
                : null
            }
          />
        ))}
      </ol>
    </div>
  )
}

/** Why a droplet's toolbox failed, and the button that makes it anew once nothing is left of the last one. */
function Failed({ toolbox, droplet }: { toolbox: Toolbox; droplet: Droplet }) {
  const utils = trpc.useUtils()
  const retry = trpc.toolboxes.retry.useMutation({
    onSuccess: () =>
      Promise.all([utils.toolboxes.get.invalidate({ id: toolbox.id }), utils.toolboxes.list.invalidate()]),
  })
  if (!toolbox.failure) return null
  const gone = droplet.step === 'gone'
  return (
    <FailureNotice
      failure={describeFailure(toolbox.failure)}
      alwaysRetry
      retrying={retry.isPending}
      onRetry={gone ? () => retry.mutate({ id: toolbox.id }) : undefined}
    >
      <p className="mt-2 pl-8">
        {gone
          ? 'The droplet was destroyed: nothing of it is billed any more.'
          : 'The droplet is being destroyed. Until that is confirmed it may still be billed.'}
      </p>
      {retry.error ? <FailureNotice className="mt-3" failure={readFailure(retry.error)} /> : null}
    </FailureNotice>
  )
}

/** The machine that Toolberth made for a toolbox: what goes on with it, and what it is. */
export function DropletCard({ toolbox, droplet }: { toolbox: Toolbox; droplet: Droplet }) {
  return (
    <>
      {toolbox.state === 'failed' ? <Failed toolbox={toolbox} droplet={droplet} /> : null}
      {droplet.trouble ? <FailureNotice failure={describeFailure(droplet.trouble)} /> : null}
      <Card aria-label="Droplet">
        <CardHeader
          title="Droplet"
          hint={droplet.attempt > 1 ? `Attempt ${droplet.attempt} to make it` : undefined}
        />
        {droplet.step === 'ready' ? null : <Steps toolbox={toolbox} droplet={droplet} />}
        <div className={cn(droplet.step !== 'ready' && 'border-t border-line')}>
          <Facts
            items={[
              ['Region', droplet.region],
              ['Size', droplet.size],
              ['Price', droplet.priceMonthly === null ? null : monthly(droplet.priceMonthly)],
              ['Image', droplet.image],
              ['Public address', droplet.ipv4],
              ['Id at DigitalOcean', droplet.dropletId === null ? null : String(droplet.dropletId)],
            ]}
          />
        </div>
      </Card>
    </>
  )
}
