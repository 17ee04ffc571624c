import type { Metadata } from 'next'
import { DeploymentScreen } from '#app/components/servers/deployment-screen.tsx'

export const metadata: Metadata = { title: 'Deployment' }

export default async function DeploymentPage({
  params,
}: {
  params: Promise<{ id: string; deploymentId: string }>
}) {
  const { id, deploymentId } = await params
  return <DeploymentScreen id={id} deploymentId={deploymentId} />
}
