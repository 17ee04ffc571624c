'use client'

import { useState } from 'react'
import { Button } from '#app/components/ui/button.tsx'
import { FailureNotice } from '#app/components/ui/failure-notice.tsx'
import { SearchInput } from '#app/components/ui/search-input.tsx'
import { SkeletonRows } from '#app/components/ui/skeleton.tsx'
import { trpc } from '#app/trpc/client.ts'
import { readFailure, type ShownFailure } from '#app/trpc/failure.ts'

interface RegistrySearchProps {
  busy: boolean
  failure: ShownFailure | null
  onChoose: (name: string, version: string) => void
}

/** Servers of the MCP registry by name. It is asked when somebody searches, not before. */
export function RegistrySearch({ busy, failure, onChoose }: RegistrySearchProps) {
  const [typed, setTyped] = useState('')
  const [search, setSearch] = useState<string | null>(null)
  const [chosen, setChosen] = useState<string | null>(null)
  const found = trpc.catalog.searchRegistry.useInfiniteQuery(search ? { search } : {}, {
    enabled: search !== null,
    retry: false,
    getNextPageParam: (page) => page.nextCursor ?? undefined,
  })
  const items = found.data?.pages.flatMap((page) => page.items) ?? []
  return (
    <div className="grid gap-4">
      <form
        className="flex gap-2"
        onSubmit={(event) => {
          event.preventDefault()
          setSearch(typed.trim())
        }}
      >
        <SearchInput
          className="min-w-0 flex-1"
          aria-label="Name of the server"
          placeholder="Part of its name, such as github"
          maxLength={100}
          value={typed}
          onChange={(event) => setTyped(event.target.value)}
        />
        <Button type="submit" variant="primary" busy={found.isFetching && !found.isFetchingNextPage}>
          Search
        </Button>
      </form>
      {failure ? <FailureNotice failure={failure} /> : null}
      {found.error ? (
        <FailureNotice
          failure={readFailure(found.error)}
          onRetry={() => void found.refetch()}
          retrying={found.isFetching}
        />
      ) : null}
      {search !== null && found.isLoading ? <SkeletonRows rows={3} /> : null}
      <p role="status" className="text-sm text-muted empty:hidden">
        {found.data && items.length === 0 ? 'The registry has no server of such a name.' : ''}
      </p>
      {items.length > 0 ? (
        <ul
          aria-label="Servers of the registry"
          className="divide-y divide-line rounded-lg border border-line"
        >
          {items.map((item) => (
            <li key={`${item.name} ${item.version}`} className="grid gap-1 px-4 py-3 text-sm">
              <div className="flex items-start gap-3">
                <div className="min-w-0 flex-1">
                  <p className="font-medium">{item.title}</p>
                  <p className="font-mono text-xs break-all text-muted">
                    {item.name} {item.version}
                  </p>
                </div>
                <Button
                  size="sm"
                  disabled={item.refusal !== null}
                  busy={busy && chosen === item.name}
                  onClick={() => {
                    setChosen(item.name)
                    onChoose(item.name, item.version)
                  }}
                >
                  Choose<span className="sr-only"> {item.title}</span>
                </Button>
              </div>
              <p className="text-muted">{item.description}</p>
              {item.refusal ? <p className="text-[0.8125rem] text-warn">{item.refusal}</p> : null}
            </li>
          ))}
        </ul>
      ) : null}
      {found.hasNextPage ? (
        <Button onClick={() => void found.fetchNextPage()} busy={found.isFetchingNextPage}>
          Show more
        </Button>
      ) : null}
    </div>
  )
}
