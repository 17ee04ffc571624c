'use client'

import { ArrowLeft } from 'lucide-react'
import { usePathname, useRouter, useSearchParams } from 'next/navigation'
import { useEffect, useRef, useState } from 'react'
import { useForm, useWatch } from 'react-hook-form'
import { toast } from 'sonner'
import { AccessFields, NameFields } from '#app/components/servers/access-fields.tsx'
import { AdvancedFields } from '#app/components/servers/advanced-fields.tsx'
import { ChangeList } from '#app/components/servers/change-list.tsx'
import { changesBetween } from '#app/components/servers/changes.ts'
import { type DeployValues, EMPTY_DEPLOY, valuesOf } from '#app/components/servers/deploy-values.ts'
import { dropDraft, keepDraft, readDraft } from '#app/components/servers/draft.ts'
import { editResolver, rebase, toUpdateInput } from '#app/components/servers/edit-form.ts'
import { fieldOf } from '#app/components/servers/form-check.ts'
import { Meanwhile } from '#app/components/servers/meanwhile.tsx'
import { GivenFields, ProcessFields } from '#app/components/servers/run-fields.tsx'
import { SourceFields } from '#app/components/servers/source-fields.tsx'
import { ToolboxField } from '#app/components/servers/toolbox-field.tsx'
import { UserCredentialFields } from '#app/components/servers/user-credential-fields.tsx'
import { Button } from '#app/components/ui/button.tsx'
import { Card } from '#app/components/ui/card.tsx'
import { FailureNotice } from '#app/components/ui/failure-notice.tsx'
import { NotFound } from '#app/components/ui/not-found.tsx'
import { PageHeader } from '#app/components/ui/page-header.tsx'
import { PageSkeleton } from '#app/components/ui/page-skeleton.tsx'
import { QueryView } from '#app/components/ui/query-view.tsx'
import { usePageTitle } from '#app/components/ui/use-page-title.ts'
import { trpc } from '#app/trpc/client.ts'
import { readFailure } from '#app/trpc/failure.ts'
import type { ServerDetail } from '#contracts/servers.ts'

/** What the form stands on: the server as it was read, and its values. */
interface Base {
  server: ServerDetail
  values: DeployValues
}

/** What happens to what serves. */
function rolloutText({ data }: DeployValues): string {
  return data.trim()
    ? 'What serves is stopped first, since two would write the same data. The new revision serves once it has answered a real MCP handshake; if it fails, the one before is started again.'
    : 'The new revision takes over once it has answered a real MCP handshake; if it fails, the one that serves goes on.'
}

function Edit({ server: latest }: { server: ServerDetail }) {
  const router = useRouter()
  const pathname = usePathname()
  const reviewing = useSearchParams().get('step') === 'review'
  const draftKey = `edit-${latest.id}`
  // What it was opened with: the page may learn of a newer revision meanwhile.
  const [base, setBase] = useState<Base>(() => ({ server: latest, values: valuesOf(latest) }))
  const baseRef = useRef(base)
  /** What it was opened with, once somebody else has saved meanwhile. */
  const [origin, setOrigin] = useState<Base | null>(null)
  const utils = trpc.useUtils()
  const [initial] = useState(() => {
    const draft = readDraft(draftKey, EMPTY_DEPLOY)
    return draft ? rebase(draft.before, draft.values, base.values) : base.values
  })
  const form = useForm<DeployValues>({
    defaultValues: initial,
    resolver: (values, context, options) =>
      editResolver(baseRef.current.server, () => baseRef.current.values)(values, context, options),
  })
  const values = useWatch({ control: form.control }) as DeployValues
  const toolboxes = trpc.toolboxes.list.useQuery().data?.items ?? []
  const names = new Map(toolboxes.map((toolbox) => [toolbox.id, toolbox.name]))
  const changes = changesBetween(base.values, values, names)
  const deploys = changes.some((change) => change.deploys)
  const newer = (latest.revision?.number ?? 0) > (base.server.revision?.number ?? 0)

  useEffect(
    () =>
      form.subscribe({
        formState: { values: true },
        callback: ({ values: typed }) =>
          keepDraft(draftKey, { before: baseRef.current.values, values: typed }),
      }),
    [form, draftKey],
  )

  /** Takes what somebody else has saved as the new ground, with what was typed on top of it. */
  const moveTo = (server: ServerDetail) => {
    const last = baseRef.current
    const next: Base = { server, values: valuesOf(server) }
    const moved = rebase(last.values, form.getValues(), next.values)
    setOrigin((first) => first ?? last)
    baseRef.current = next
    setBase(next)
    form.reset(moved)
  }
  const update = trpc.servers.update.useMutation({
    onSuccess: ({ deployment, revisionNumber }) => {
      dropDraft(draftKey)
      void utils.servers.get.invalidate({ id: latest.id })
      void utils.servers.list.invalidate()
      toast.success(
        deployment ? `Revision ${revisionNumber} is being deployed` : `${latest.name} was changed`,
      )
      const to = `/admin/servers/${latest.id}`
      router.push(deployment ? `${to}/deployments/${deployment.deploymentId}` : to)
    },
    onError: async (error) => {
      const failure = readFailure(error)
      const fields = Object.entries(failure.fields)
      for (const [path, [message]] of fields) {
        const field = fieldOf(path, form.getValues())
        if (field && message) form.setError(field, { type: 'server', message })
      }
      if (fields.length > 0) router.push(pathname)
      if (failure.code !== 'CONFLICT') return
      const fresh = await utils.servers.get.fetch({ id: latest.id }, { staleTime: 0 })
      if ((fresh.revision?.number ?? 0) > (baseRef.current.server.revision?.number ?? 0)) {
        moveTo(fresh)
        update.reset()
      }
    },
  })
  const review = form.handleSubmit(() => {
    update.reset()
    router.push(`${pathname}?step=review`)
  })
  const confirm = form.handleSubmit(
    (typed) => update.mutate(toUpdateInput(base.server, base.values, typed)),
    () => router.push(pathname),
  )
  const head = useRef<HTMLHeadingElement>(null)
  const shown = useRef(reviewing)
  useEffect(() => {
    if (shown.current !== reviewing) head.current?.focus()
    shown.current = reviewing
  }, [reviewing])

  return (
    <Card aria-label={reviewing ? 'Review' : 'Configuration'} className="max-w-3xl">
      <form onSubmit={(event) => void (reviewing ? confirm(event) : review(event))} noValidate>
        <div className="grid gap-5 px-4 py-5 sm:px-6">
          <div>
            <h2 ref={head} tabIndex={-1} className="text-lg font-semibold">
              {reviewing ? 'What changes' : 'Configuration'}
            </h2>
            <p className="text-sm text-muted">
              {!reviewing
                ? 'Nothing changes before you have seen what will.'
                : deploys
                  ? rolloutText(values)
                  : 'This holds at once; nothing is deployed.'}
            </p>
          </div>
          {origin ? (
            <Meanwhile
              server={base.server}
              theirs={changesBetween(origin.values, base.values, names)}
              mine={changes}
            />
          ) : null}
          {newer ? (
            <div role="status" className="rounded-lg bg-warn-soft px-3.5 py-2.5 text-sm text-warn">
              <p>Somebody saved revision {latest.revision?.number} while you were editing.</p>
              <Button size="sm" className="mt-2" onClick={() => moveTo(latest)}>
                Show what changed, and keep mine
              </Button>
            </div>
          ) : null}
          {reviewing ? <ChangeList changes={changes} /> : null}
          {reviewing ? null : (
            <>
              <NameFields form={form} editing />
              <SourceFields form={form} editing />
              <ProcessFields form={form} />
              <GivenFields form={form} />
              <UserCredentialFields form={form} />
              <AccessFields form={form} editing />
              <ToolboxField form={form} current={base.server.toolbox} />
              <AdvancedFields form={form} />
            </>
          )}
          {form.formState.errors.root?.message ? (
            <p role="alert" className="text-sm text-bad">
              {form.formState.errors.root.message}
            </p>
          ) : null}
          {update.error ? <FailureNotice failure={readFailure(update.error)} /> : null}
        </div>
        <footer className="flex flex-wrap items-center justify-between gap-2 border-t border-line px-4 py-3.5 sm:px-6">
          {reviewing ? (
            <Button onClick={() => router.push(pathname)}>
              <ArrowLeft aria-hidden />
              Back
            </Button>
          ) : (
            <Button
              onClick={() => {
                dropDraft(draftKey)
                router.push(`/admin/servers/${latest.id}`)
              }}
            >
              Cancel
            </Button>
          )}
          <Button
            type="submit"
            variant="primary"
            busy={update.isPending || update.isSuccess}
            disabled={reviewing && changes.length === 0}
          >
            {reviewing ? (deploys ? 'Deploy changes' : 'Save changes') : 'Review changes'}
          </Button>
        </footer>
      </form>
    </Card>
  )
}

/** Edits what a server runs with, and shows what changes before it is confirmed. */
export function EditScreen({ id }: { id: string }) {
  const server = trpc.servers.get.useQuery({ id })
  usePageTitle(server.data && `Edit ${server.data.name}`)
  const code = server.error ? readFailure(server.error).code : null
  if (code === 'NOT_FOUND' || code === 'BAD_REQUEST') return <NotFound />
  return (
    <QueryView query={server} loading={<PageSkeleton />}>
      {(data) => (
        <>
          <PageHeader
            parent={{ href: `/admin/servers/${id}`, label: data.name }}
            title={`Edit ${data.name}`}
          />
          <Edit server={data} />
        </>
      )}
    </QueryView>
  )
}
