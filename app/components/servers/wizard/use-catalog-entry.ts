'use client'

import { usePathname, useRouter, useSearchParams } from 'next/navigation'
import { useEffect, useRef } from 'react'
import type { UseFormReturn } from 'react-hook-form'
import type { DeployValues } from '#app/components/servers/deploy-values.ts'
import { releaseValues, requiredOf } from '#app/components/servers/wizard/release-values.ts'
import { setValues } from '#app/components/servers/wizard/set-values.ts'
import { trpc } from '#app/trpc/client.ts'
import { readFailure } from '#app/trpc/failure.ts'

/**
 * Begins with the entry that the address names (`?catalog=<slug>`, or `&version=`): at its configuration, or with `quick=1` and
 * nothing left to ask at the review. Answers whether it is still to be looked up, and what went wrong.
 */
export function useCatalogEntry(form: UseFormReturn<DeployValues>) {
  const params = useSearchParams()
  const router = useRouter()
  const pathname = usePathname()
  const slug = params.get('catalog')
  const version = params.get('version')
  const quick = params.get('quick') === '1'
  const entry = trpc.catalog.get.useQuery({ slug: slug ?? '' }, { enabled: slug !== null })
  const taken = useRef<string | null>(null)
  useEffect(() => {
    if (!slug || !entry.data || taken.current === slug) return
    const { releases } = entry.data
    const release = releases.find((one) => one.version === version) ?? releases[0]
    if (!release) return
    taken.current = slug
    setValues(form, releaseValues(form.getValues(), entry.data, release))
    const step = quick && requiredOf(release).length === 0 ? 'review' : 'configuration'
    router.replace(`${pathname}?step=${step}`)
  }, [slug, version, quick, entry.data, form, router, pathname])
  if (slug === null || !entry.error) return { pending: slug !== null, failure: null }
  const failure = readFailure(entry.error)
  const unknown = failure.code === 'NOT_FOUND' || failure.code === 'BAD_REQUEST'
  return {
    pending: false,
    failure: unknown
      ? { ...failure, text: `The catalog has no entry named "${slug}".`, action: 'Choose another one below.' }
      : failure,
  }
}
