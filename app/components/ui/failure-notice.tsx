'use client'

import { CircleAlert, RotateCw } from 'lucide-react'
import type { ReactNode } from 'react'
import { Button } from '#app/components/ui/button.tsx'
import { cn } from '#app/components/ui/cn.ts'
import type { ShownFailure } from '#app/trpc/failure.ts'

interface FailureNoticeProps {
  failure: ShownFailure
  /** Offered when trying again can help, or always with `alwaysRetry`. */
  onRetry?: (() => void) | undefined
  alwaysRetry?: boolean
  retrying?: boolean
  className?: string
  children?: ReactNode
}

/** One named cause and one next action, with the technical detail folded away. */
export function FailureNotice(props: FailureNoticeProps) {
  const { failure } = props
  const facts = [
    failure.variable ? `Variable: ${failure.variable}` : '',
    failure.exitCode === null ? '' : `Exit code: ${failure.exitCode}`,
  ].filter(Boolean)
  return (
    <div
      role="alert"
      className={cn('rounded-xl border border-bad/35 bg-bad-soft px-4 py-3.5 text-sm', props.className)}
    >
      <div className="flex flex-wrap items-start gap-3">
        <CircleAlert aria-hidden className="mt-0.5 size-5 shrink-0 text-bad" />
        <div className="min-w-0 flex-1 basis-48">
          <p className="font-semibold text-bad">{failure.text}</p>
          <p className="mt-0.5 text-ink">{failure.action}</p>
          {facts.map((fact) => (
            <p key={fact} className="mt-1 font-mono text-[0.8125rem]">
              {fact}
            </p>
          ))}
        </div>
        {props.onRetry && (failure.retryable || props.alwaysRetry) ? (
          <Button size="sm" onClick={props.onRetry} busy={props.retrying ?? false}>
            {props.retrying ? null : <RotateCw aria-hidden />}
            Try again
          </Button>
        ) : null}
      </div>
      {props.children}
      {failure.detail || failure.requestId ? (
        <details className="mt-2.5 border-t border-bad/20 pt-2 pl-8 text-[0.8125rem]">
          <summary className="w-fit rounded text-muted hover:text-ink">Technical detail</summary>
          {failure.detail ? (
            <p className="mt-1.5 font-mono break-words whitespace-pre-wrap">{failure.detail}</p>
          ) : null}
          <p className="mt-1.5 font-mono text-muted">
            {failure.code}
            {failure.requestId ? `, request ${failure.requestId}` : ''}
          </p>
        </details>
      ) : null}
    </div>
  )
}
