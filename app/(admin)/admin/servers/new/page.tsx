import type { Metadata } from 'next'
import { Suspense } from 'react'
import { WizardScreen } from '#app/components/servers/wizard/wizard-screen.tsx'
import { PageSkeleton } from '#app/components/ui/page-skeleton.tsx'

export const metadata: Metadata = { title: 'Deploy a server' }

export default function DeployPage() {
  return (
    <Suspense fallback={<PageSkeleton />}>
      <WizardScreen />
    </Suspense>
  )
}
