import { diffArrays } from 'diff'
import { ChevronRight } from 'lucide-react'
import { cn } from '#app/components/ui/cn.ts'
import type { ToolDefinition } from '#contracts/probe.ts'

const MARK = { same: ' ', added: '+', removed: '-' } as const
const WORD = { same: '', added: 'added: ', removed: 'removed: ' } as const

/** A tool as it was approved against what the server says now, line by line. */
export function ToolDiff({
  approved,
  current,
}: {
  approved: ToolDefinition | null
  current: ToolDefinition | null
}) {
  const lines = diffArrays(textOf(approved), textOf(current)).flatMap(({ added, removed, value }) =>
    value.map((text) => ({ kind: added ? 'added' : removed ? 'removed' : 'same', text }) as const),
  )
  return (
    <details className="group" open={approved !== null && current !== null}>
      <summary className="flex w-fit list-none items-center gap-1.5 rounded text-[0.8125rem] text-muted hover:text-ink">
        <ChevronRight aria-hidden className="size-3.5 transition-transform group-open:rotate-90" />
        {approved === null ? 'What it says' : current === null ? 'What it said' : 'What changed'}
      </summary>
      <div
        role="group"
        aria-label="Differences"
        // It scrolls, also by keyboard.
        tabIndex={0}
        className="mt-2 max-h-96 overflow-auto rounded-lg border border-line bg-sunken/50 py-2 font-mono text-[0.8125rem] leading-relaxed"
      >
        {lines.map((line, at) => (
          <div
            // Lines have no other identity, and are never moved.
            key={at}
            className={cn(
              'px-3 break-words whitespace-pre-wrap',
              line.kind === 'added' && 'bg-ok-soft text-ok',
              line.kind === 'removed' && 'bg-bad-soft text-bad',
            )}
          >
            <span className="sr-only">{WORD[line.kind]}</span>
            <span aria-hidden className="mr-2 select-none">
              {MARK[line.kind]}
            </span>
            {line.text}
          </div>
        ))}
      </div>
    </details>
  )
}

/** The description as it reads, then the rest as JSON with its members in one order. */
function textOf(tool: ToolDefinition | null): string[] {
  if (tool === null) return []
  const { name, description, ...rest } = tool
  return [
    `name: ${name}`,
    ...(description ?? '').split('\n').map((line) => `description: ${line}`),
    ...JSON.stringify(sorted(rest), null, 2).split('\n'),
  ]
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  )
}
