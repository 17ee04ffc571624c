'use client'

import { ShieldQuestion } from 'lucide-react'
import { useState } from 'react'
import { Button } from '#app/components/ui/button.tsx'
import { ConfirmDialog } from '#app/components/ui/confirm-dialog.tsx'
import { plural } from '#app/components/ui/format.ts'
import { RelativeTime } from '#app/components/ui/relative-time.tsx'
import { trpc } from '#app/trpc/client.ts'
import type { CloudStatus } from '#contracts/droplets.ts'

type Paused = NonNullable<CloudStatus['paused']>

const REASONS: Record<Paused['reason'], string> = {
  restored: 'The database was restored, or is another one: what it does not know may still be in use.',
  unknown: 'This database never made them: it may have been restored, and they may still be in use.',
  many: 'They are more than a fifth of all, which is unusual.',
}

/** Droplets with this installation's tag that no toolbox has, when the reaper will not decide alone. */
export function ReaperNotice() {
  const status = trpc.cloud.status.useQuery()
  return status.data?.paused ? <Decision paused={status.data.paused} /> : null
}

function Decision({ paused }: { paused: Paused }) {
  const [chosen, setChosen] = useState<ReadonlySet<number>>(new Set())
  const [asking, setAsking] = useState(false)
  const utils = trpc.useUtils()
  const decide = trpc.cloud.decideReap.useMutation({
    onSuccess: (next) => {
      setAsking(false)
      utils.cloud.status.setData(undefined, next)
    },
    onError: () => utils.cloud.status.invalidate(),
  })
  const ids = paused.candidates.map(({ id }) => id)
  const destroy = ids.filter((id) => chosen.has(id))
  const keep = ids.filter((id) => !chosen.has(id))
  const toggle = (id: number) =>
    setChosen((before) =>
      before.has(id) ? new Set([...before].filter((one) => one !== id)) : new Set(before).add(id),
    )
  return (
    <section
      aria-label="Droplets without a toolbox"
      className="mb-5 grid gap-3 rounded-xl border border-warn/40 bg-warn-soft px-4 py-3.5 text-sm"
    >
      <div className="flex gap-3">
        <ShieldQuestion aria-hidden className="mt-0.5 size-5 shrink-0 text-warn" />
        <div>
          <p className="font-semibold text-warn">
            {ids.length === 0
              ? 'Droplets are not cleaned up until you say so.'
              : `${plural(ids.length, 'droplet')} of this installation ${ids.length === 1 ? 'belongs' : 'belong'} to no toolbox.`}
          </p>
          <p>
            {REASONS[paused.reason]} Choose which to destroy; the others are kept and not asked about again.
            Nothing is destroyed until then. Since <RelativeTime at={paused.since} />.
          </p>
        </div>
      </div>
      {ids.length === 0 ? null : (
        <ul className="grid gap-1.5 pl-8">
          {paused.candidates.map((one) => (
            <li key={one.id} className="flex items-start gap-2.5">
              <input
                id={`reap-${one.id}`}
                type="checkbox"
                className="mt-1 size-4 accent-(--color-bad)"
                checked={chosen.has(one.id)}
                onChange={() => toggle(one.id)}
              />
              <label htmlFor={`reap-${one.id}`} className="min-w-0">
                <span className="font-mono text-[0.8125rem] break-all">{one.name}</span>
                <span className="block text-[0.8125rem] text-muted">
                  {one.id}, {one.size} in {one.region}, made <RelativeTime at={one.createdAt} />
                  {one.remembered ? '' : ', unknown here'}
                </span>
              </label>
            </li>
          ))}
        </ul>
      )}
      <div className="pl-8">
        <Button
          size="sm"
          variant={destroy.length > 0 ? 'danger' : 'primary'}
          onClick={() => {
            decide.reset()
            setAsking(true)
          }}
        >
          {destroy.length > 0
            ? `Destroy ${destroy.length}${keep.length > 0 ? `, keep ${keep.length}` : ''}`
            : ids.length > 0
              ? 'Keep all'
              : 'Go on'}
        </Button>
      </div>
      <ConfirmDialog
        open={asking}
        onOpenChange={setAsking}
        title={destroy.length > 0 ? `Destroy ${plural(destroy.length, 'droplet')}?` : 'Keep what is there?'}
        confirm={destroy.length > 0 ? 'Destroy' : 'Keep and go on'}
        danger={destroy.length > 0}
        {...(destroy.length > 0 && { typeName: 'destroy' })}
        busy={decide.isPending}
        error={decide.error}
        onConfirm={() => decide.mutate({ destroy, keep })}
      >
        {destroy.length > 0
          ? 'What runs on them ends, and what is stored on them is lost for good.'
          : 'They stay as they are, go on being billed, and have to be destroyed at DigitalOcean.'}
      </ConfirmDialog>
    </section>
  )
}
