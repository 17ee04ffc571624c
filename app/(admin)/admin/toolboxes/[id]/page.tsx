import type { Metadata } from 'next'
import { ToolboxDetailScreen } from '#app/components/toolboxes/toolbox-detail.tsx'

export const metadata: Metadata = { title: 'Toolbox' }

export default async function ToolboxPage({ params }: { params: Promise<{ id: string }> }) {
  return <ToolboxDetailScreen id={(await params).id} />
}
