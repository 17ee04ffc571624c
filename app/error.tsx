'use client'

import { PageError } from '#app/components/ui/page-error.tsx'

export default function RootError(props: { error: Error & { digest?: string }; reset: () => void }) {
  return (
    <main className="mx-auto grid min-h-dvh w-full max-w-xl content-center px-4">
      <PageError {...props} />
    </main>
  )
}
