'use client'

import { Rocket } from 'lucide-react'
import Link from 'next/link'
import { useRouter } from 'next/navigation'
import { useState } from 'react'
import { requiredOf } from '#app/components/servers/wizard/release-values.ts'
import { Button } from '#app/components/ui/button.tsx'
import { ConfirmDialog } from '#app/components/ui/confirm-dialog.tsx'
import { trpc } from '#app/trpc/client.ts'
import type { CatalogEntry, CatalogRelease } from '#contracts/catalog.ts'

/** The entry's own name, or one with a number when a server has that. */
function freeName(slug: string, taken: readonly { name: string }[]): string {
  const names = new Set(taken.map(({ name }) => name))
  let name = slug
  for (let number = 2; names.has(name); number += 1) {
    const suffix = `-${number}`
    name = `${slug.slice(0, 40 - suffix.length)}${suffix}`
  }
  return name
}

interface QuickDeployProps {
  entry: CatalogEntry
  /** Left out: the newest. */
  release?: CatalogRelease | undefined
  children?: string
}

/** Deploys an entry that needs no answers, after one confirmation; for the others it leads to their form. */
export function QuickDeploy({
  entry,
  release = entry.releases[0],
  children: verb = 'Deploy',
}: QuickDeployProps) {
  const [asking, setAsking] = useState(false)
  const router = useRouter()
  const utils = trpc.useUtils()
  const servers = trpc.servers.list.useQuery(undefined, { enabled: asking })
  const deploy = trpc.servers.deploy.useMutation({
    onSuccess: ({ serverId, deploymentId }) => {
      void utils.servers.list.invalidate()
      router.push(`/admin/servers/${serverId}/deployments/${deploymentId}`)
    },
    // Somebody may have taken the name meanwhile: the next attempt finds another.
    onError: () => utils.servers.list.invalidate(),
  })
  if (!release || requiredOf(release).length > 0)
    return (
      <Button asChild size="sm">
        <Link href={`/admin/servers/new?catalog=${entry.slug}`} aria-label={`${verb} ${entry.title}`}>
          <Rocket aria-hidden />
          {verb}
        </Link>
      </Button>
    )
  // Once it is deployed the list has its name too, which is no reason to show another.
  const name =
    deploy.isPending || deploy.isSuccess
      ? deploy.variables.name
      : freeName(entry.slug, servers.data?.items ?? [])
  const details = new URLSearchParams({ catalog: entry.slug, version: release.version })
  return (
    <>
      <Button
        size="sm"
        aria-label={`${verb} ${entry.title}`}
        onClick={() => {
          deploy.reset()
          setAsking(true)
        }}
      >
        <Rocket aria-hidden />
        {verb}
      </Button>
      <ConfirmDialog
        open={asking}
        onOpenChange={() => setAsking(false)}
        title={`Deploy ${entry.title}?`}
        confirm="Deploy now"
        danger={false}
        busy={servers.isPending || deploy.isPending || deploy.isSuccess}
        error={servers.error ?? deploy.error}
        onConfirm={() =>
          deploy.mutate({
            name,
            description: entry.description,
            source: { type: 'catalog', slug: entry.slug, version: release.version },
          })
        }
      >
        <p>
          Version {release.version} is deployed as <code className="font-mono">{name}</code>, on the toolbox
          with the most room and with what the entry suggests. Everyone may connect agents to it.
        </p>
        <p className="mt-2">
          <Link
            href={`/admin/servers/new?${details}`}
            className="rounded text-primary underline underline-offset-3"
          >
            Choose the details instead
          </Link>
        </p>
      </ConfirmDialog>
    </>
  )
}
