import type { Metadata } from 'next'
import { ToolboxListScreen } from '#app/components/toolboxes/toolbox-list.tsx'

export const metadata: Metadata = { title: 'Toolboxes' }

export default function ToolboxesPage() {
  return <ToolboxListScreen />
}
