import type { Metadata } from 'next'
import { Suspense } from 'react'
import { ServerListScreen } from '#app/components/servers/server-list.tsx'
import { PageSkeleton } from '#app/components/ui/page-skeleton.tsx'

export const metadata: Metadata = { title: 'Servers' }

export default function ServersPage() {
  return (
    <Suspense fallback={<PageSkeleton />}>
      <ServerListScreen />
    </Suspense>
  )
}
