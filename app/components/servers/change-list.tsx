import { ArrowRight } from 'lucide-react'
import type { Change } from '#app/components/servers/changes.ts'

/** What changes, before and after, side by side. */
export function ChangeList({ changes, label: name = 'Changes' }: { changes: Change[]; label?: string }) {
  if (changes.length === 0) return <p className="text-sm text-muted">Nothing was changed.</p>
  return (
    <ul aria-label={name} className="divide-y divide-line rounded-lg border border-line">
      {changes.map(({ label, before, after }) => (
        <li key={label} className="grid gap-1 px-4 py-3 sm:grid-cols-[10rem_minmax(0,1fr)] sm:gap-4">
          <span className="text-sm font-medium break-words">{label}</span>
          <span className="flex flex-wrap items-baseline gap-x-2.5 gap-y-1 font-mono text-[0.8125rem]">
            {before === null ? (
              <span className="font-sans text-muted">not set</span>
            ) : (
              <del className="break-all whitespace-pre-wrap text-bad">{before}</del>
            )}
            <ArrowRight aria-label="becomes" className="size-3.5 shrink-0 self-center text-muted" />
            {after === null ? (
              <span className="font-sans text-muted">removed</span>
            ) : (
              <ins className="break-all whitespace-pre-wrap text-ok no-underline">{after}</ins>
            )}
          </span>
        </li>
      ))}
    </ul>
  )
}
