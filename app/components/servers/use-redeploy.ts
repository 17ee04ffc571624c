'use client'

import { toast } from 'sonner'
import { trpc } from '#app/trpc/client.ts'
import { readFailure } from '#app/trpc/failure.ts'

/** Deploys a revision of a server once more; a refusal is said aloud, unless a dialog shows it. */
export function useRedeploy(id: string, { quiet = false } = {}) {
  const utils = trpc.useUtils()
  return trpc.servers.redeploy.useMutation({
    onError: (error) => {
      if (quiet) return
      const failure = readFailure(error)
      toast.error(failure.text, { description: failure.detail ?? failure.action })
    },
    onSettled: () =>
      Promise.all([utils.servers.get.invalidate({ id }), utils.servers.list.invalidate()]).then(
        () => undefined,
      ),
  })
}
