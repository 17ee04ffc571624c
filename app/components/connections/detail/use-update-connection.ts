import { trpc } from '#app/trpc/client.ts'

/** Changes a connection and shows the answer at once; lists are fetched anew. */
export function useUpdateConnection(
  options: { onSuccess?: () => void; onError?: (error: unknown) => void } = {},
) {
  const utils = trpc.useUtils()
  return trpc.connections.update.useMutation({
    onSuccess: (detail) => {
      utils.connections.get.setData({ id: detail.id }, detail)
      options.onSuccess?.()
      return utils.connections.list.invalidate({ agentId: detail.agentId })
    },
    ...(options.onError && { onError: options.onError }),
  })
}
