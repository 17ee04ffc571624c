import type { Metadata } from 'next'
import { NotFound } from '#app/components/ui/not-found.tsx'

export const metadata: Metadata = { title: 'Not found' }

export default function NotFoundPage() {
  return (
    <main className="mx-auto grid min-h-dvh w-full max-w-xl content-center px-4">
      <NotFound />
    </main>
  )
}
