'use client'

import { toast } from 'sonner'
import { trpc } from '#app/trpc/client.ts'
import { readFailure } from '#app/trpc/failure.ts'

/** Cancels a deployment of a server, and says so when that is refused; either way the page shows what is true then. */
export function useCancel(serverId: string) {
  const utils = trpc.useUtils()
  return trpc.servers.cancel.useMutation({
    onError: (error) => {
      const failure = readFailure(error)
      toast.error(failure.text, { description: failure.detail ?? failure.action })
    },
    onSettled: () => utils.servers.get.invalidate({ id: serverId }),
  })
}
