'use client'

import { MutationCache, QueryCache, QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { httpBatchLink, httpSubscriptionLink, retryLink, splitLink } from '@trpc/client'
import { type ReactNode, useState } from 'react'
import superjson from 'superjson'
import { trpc } from '#app/trpc/client.ts'
import { endSession } from '#app/trpc/end-session.ts'
import { readFailure } from '#app/trpc/failure.ts'

const URL = '/api/trpc'
/** First wait and longest wait between attempts to reopen the stream, milliseconds. */
const RETRY_FIRST_MS = 500
const RETRY_LONGEST_MS = 15_000

function createLinks() {
  return trpc.createClient({
    links: [
      splitLink({
        condition: (op) => op.type === 'subscription',
        true: [
          retryLink({
            // No status: the network is gone. 5xx: a proxy or a restart. Everything else is an answer.
            retry: ({ error }) => !error.data || (error.data.httpStatus ?? 500) >= 500,
            retryDelayMs: (attempt) => Math.min(RETRY_LONGEST_MS, RETRY_FIRST_MS * 2 ** Math.min(attempt, 6)),
          }),
          httpSubscriptionLink({ url: URL, transformer: superjson }),
        ],
        false: httpBatchLink({ url: URL, transformer: superjson }),
      }),
    ],
  })
}

function createQueryClient() {
  const onError = (error: unknown) => {
    if (readFailure(error).code === 'UNAUTHENTICATED') void endSession()
  }
  return new QueryClient({
    queryCache: new QueryCache({ onError }),
    mutationCache: new MutationCache({ onError }),
    defaultOptions: {
      queries: {
        // Events make a query stale at once; this only covers what has no event.
        staleTime: 30_000,
        retry: (count, error) => count < 2 && readFailure(error).retryable,
      },
    },
  })
}

/** Gives every page below it the query cache and the tRPC client. */
export function TrpcProvider({ children }: { children: ReactNode }) {
  const [queryClient] = useState(createQueryClient)
  const [client] = useState(createLinks)
  return (
    <trpc.Provider client={client} queryClient={queryClient}>
      <QueryClientProvider client={queryClient}>{children}</QueryClientProvider>
    </trpc.Provider>
  )
}
