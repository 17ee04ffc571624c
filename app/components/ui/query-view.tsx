'use client'

import type { ReactNode } from 'react'
import { FailureNotice } from '#app/components/ui/failure-notice.tsx'
import { SkeletonRows } from '#app/components/ui/skeleton.tsx'
import { readFailure } from '#app/trpc/failure.ts'

interface QueryLike<T> {
  data: T | undefined
  error: unknown
  isFetching: boolean
  refetch: () => unknown
}

interface QueryViewProps<T> {
  query: QueryLike<T>
  loading?: ReactNode
  children: (data: T) => ReactNode
}

/** A query in its three states. What was fetched once stays in view when a later fetch fails, with a notice above. */
export function QueryView<T>({ query, loading, children }: QueryViewProps<T>) {
  const notice = query.error ? (
    <FailureNotice
      failure={readFailure(query.error)}
      onRetry={() => void query.refetch()}
      alwaysRetry
      retrying={query.isFetching}
      className="mb-4"
    />
  ) : null
  if (query.data === undefined) return notice ?? loading ?? <SkeletonRows />
  return (
    <>
      {notice}
      {children(query.data)}
    </>
  )
}
