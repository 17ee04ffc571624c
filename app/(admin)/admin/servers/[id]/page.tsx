import type { Metadata } from 'next'
import { ServerDetailScreen } from '#app/components/servers/server-detail.tsx'

export const metadata: Metadata = { title: 'Server' }

export default async function ServerPage({ params }: { params: Promise<{ id: string }> }) {
  return <ServerDetailScreen id={(await params).id} />
}
