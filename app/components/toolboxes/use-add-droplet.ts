'use client'

import { zodResolver } from '@hookform/resolvers/zod'
import { useRouter } from 'next/navigation'
import { useForm } from 'react-hook-form'
import { z } from 'zod'
import { showFieldErrors } from '#app/components/ui/form-failure.ts'
import { trpc } from '#app/trpc/client.ts'
import { CreateDropletToolbox } from '#contracts/droplets.ts'

export const DropletForm = CreateDropletToolbox.omit({ kind: true }).extend({
  region: z.string().min(1, 'Choose a region.'),
  size: z.string().min(1, 'Choose a size.'),
})
export type DropletValues = z.input<typeof DropletForm>

/** Form and request of a new droplet; the account is looked up once it is `asked` for. Then the page of its toolbox opens. */
export function useAddDroplet(asked: boolean, onClose: () => void) {
  const router = useRouter()
  const utils = trpc.useUtils()
  const options = trpc.toolboxes.options.useQuery(undefined, {
    enabled: asked,
    staleTime: 30_000,
    retry: false,
  })
  const form = useForm<DropletValues, unknown, z.output<typeof DropletForm>>({
    defaultValues: { name: '', region: '', size: '' },
    resolver: zodResolver(DropletForm),
  })
  const create = trpc.toolboxes.create.useMutation({
    onSuccess: async ({ toolbox }) => {
      onClose()
      await utils.toolboxes.list.invalidate()
      router.push(`/admin/toolboxes/${toolbox.id}`)
    },
    onError: (error) => showFieldErrors(form, error),
  })
  const submit = form.handleSubmit((values) => create.mutate({ kind: 'droplet', ...values }))
  const canSubmit = (options.data?.sizes.length ?? 0) > 0
  return { options, form, create, submit, canSubmit }
}
