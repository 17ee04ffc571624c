import type { Metadata } from 'next'
import { Suspense } from 'react'
import { EditScreen } from '#app/components/servers/edit-screen.tsx'
import { PageSkeleton } from '#app/components/ui/page-skeleton.tsx'

export const metadata: Metadata = { title: 'Edit server' }

export default async function EditServerPage({ params }: { params: Promise<{ id: string }> }) {
  const { id } = await params
  return (
    <Suspense fallback={<PageSkeleton />}>
      <EditScreen id={id} />
    </Suspense>
  )
}
