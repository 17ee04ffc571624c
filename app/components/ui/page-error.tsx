'use client'

import { TriangleAlert } from 'lucide-react'
import { useEffect } from 'react'
import { Button } from '#app/components/ui/button.tsx'
import { EmptyState } from '#app/components/ui/empty-state.tsx'

/** What an error boundary shows: a page that broke while it was drawn. */
export function PageError({ error, reset }: { error: Error & { digest?: string }; reset: () => void }) {
  useEffect(() => {
    console.error(error)
  }, [error])
  return (
    <EmptyState
      icon={TriangleAlert}
      title="This page could not be shown"
      action={
        <>
          <Button variant="primary" onClick={reset}>
            Try again
          </Button>
          <Button onClick={() => window.location.assign('/')}>Go to the start page</Button>
        </>
      }
    >
      <p>
        Something went wrong while drawing it. Nothing was changed. If it stays,
        {error.digest ? (
          <>
            {' '}
            look for <code className="font-mono">{error.digest}</code> in the log of the web process.
          </>
        ) : (
          ' reload the page.'
        )}
      </p>
    </EmptyState>
  )
}
