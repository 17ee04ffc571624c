'use client'

import { ArrowLeft, ArrowRight, Rocket, RotateCcw } from 'lucide-react'
import { usePathname, useRouter, useSearchParams } from 'next/navigation'
import { type FormEvent, type ReactNode, useEffect, useRef, useState } from 'react'
import { useForm, useWatch } from 'react-hook-form'
import { type DeployValues, EMPTY_DEPLOY } from '#app/components/servers/deploy-values.ts'
import { dropDraft, keepDraft, readDraft } from '#app/components/servers/draft.ts'
import { checkDeploy, errorsOf, resolverOf } from '#app/components/servers/form-check.ts'
import { ConfigurationStep } from '#app/components/servers/wizard/configuration-step.tsx'
import { ReviewStep } from '#app/components/servers/wizard/review-step.tsx'
import { SourceStep } from '#app/components/servers/wizard/source-step.tsx'
import { StepList } from '#app/components/servers/wizard/step-list.tsx'
import {
  fieldsOf,
  firstOpen,
  indexOf,
  reachable,
  STEPS,
  type StepId,
} from '#app/components/servers/wizard/steps.ts'
import { ToolboxStep } from '#app/components/servers/wizard/toolbox-step.tsx'
import { useCatalogEntry } from '#app/components/servers/wizard/use-catalog-entry.ts'
import { useDeploy, WIZARD_DRAFT } from '#app/components/servers/wizard/use-deploy.ts'
import { Button } from '#app/components/ui/button.tsx'
import { Card } from '#app/components/ui/card.tsx'
import { FailureNotice } from '#app/components/ui/failure-notice.tsx'
import { PageHeader } from '#app/components/ui/page-header.tsx'
import { PageSkeleton } from '#app/components/ui/page-skeleton.tsx'
import { SkeletonRows } from '#app/components/ui/skeleton.tsx'
import { usePageTitle } from '#app/components/ui/use-page-title.ts'
import { trpc } from '#app/trpc/client.ts'

/** Most of what is deployed stands in the catalog. */
const NEW: DeployValues = { ...EMPTY_DEPLOY, sourceType: 'catalog' }

const resolver = resolverOf(checkDeploy)

function Wizard({ initial, restored }: { initial: DeployValues; restored: boolean }) {
  const router = useRouter()
  const pathname = usePathname()
  const params = useSearchParams()
  const form = useForm<DeployValues>({ defaultValues: initial, resolver })
  const values = useWatch({ control: form.control }) as DeployValues
  const step = reachable(params.get('step'), values)
  const open = firstOpen(errorsOf(values, checkDeploy(values)))
  /** The step whose boxes have been checked once. */
  const checked = useRef<StepId | null>(null)
  const heading = useRef<HTMLHeadingElement>(null)
  const taken = trpc.servers.list.useQuery().data?.items
  const [again, setAgain] = useState(restored)
  const { label } = STEPS[indexOf(step)] ?? STEPS[0]
  usePageTitle(`${label}: deploy a server`)

  const go = (to: StepId) => router.push(`${pathname}?step=${to}`)
  const fromCatalog = useCatalogEntry(form)
  const deployment = useDeploy(form, (to) => (to === step ? undefined : go(to)))

  useEffect(
    () =>
      form.subscribe({
        formState: { values: true },
        callback: ({ values: typed }) => {
          keepDraft(WIZARD_DRAFT, { before: EMPTY_DEPLOY, values: typed })
          // What was said to be wrong is looked at again with every key.
          if (checked.current) void form.trigger(fieldsOf(checked.current))
        },
      }),
    [form],
  )
  // A step is a page: whoever hears it, or moves by keyboard, begins at its head. A refusal leads to its box instead.
  const shown = useRef(step)
  useEffect(() => {
    if (shown.current === step) return
    shown.current = step
    const wrong = document.querySelector<HTMLElement>('form [aria-invalid="true"]')
    ;(wrong ?? heading.current)?.focus()
  })

  const next = async (event: FormEvent) => {
    event.preventDefault()
    deployment.reset()
    if (step === 'review') return void form.handleSubmit(deployment.deploy)()
    const fine = await form.trigger(fieldsOf(step), { shouldFocus: true })
    checked.current = step
    if (step === 'configuration' && taken?.some((server) => server.name === values.name.trim())) {
      form.setError('name', { message: `There is a server named "${values.name.trim()}" already.` })
      form.setFocus('name')
      return
    }
    const following = STEPS[indexOf(step) + 1]
    if (!fine || !following) return
    checked.current = null
    go(following.id)
  }
  const startOver = () => {
    form.reset(NEW)
    dropDraft(WIZARD_DRAFT)
    setAgain(false)
    go('source')
  }

  if (fromCatalog.pending) return <SkeletonRows />
  const bodies: Record<StepId, ReactNode> = {
    source: <SourceStep form={form} />,
    configuration: <ConfigurationStep form={form} />,
    toolbox: <ToolboxStep form={form} />,
    review: <ReviewStep values={values} onEdit={go} />,
  }
  const root = form.formState.errors.root?.message
  return (
    <div className="grid gap-5 lg:grid-cols-[12.5rem_minmax(0,46rem)] lg:gap-8">
      <StepList current={step} open={open} onGo={go} />
      <Card aria-label={label}>
        <form onSubmit={(event) => void next(event)} noValidate>
          <div className="grid gap-5 px-4 py-5 sm:px-6">
            <div className="flex flex-wrap items-center justify-between gap-2">
              <h2 ref={heading} tabIndex={-1} className="text-lg font-semibold">
                <span className="sr-only">
                  Step {indexOf(step) + 1} of {STEPS.length}:{' '}
                </span>
                {label}
              </h2>
              {again ? (
                <p className="flex items-center gap-2 text-[0.8125rem] text-muted">
                  As you left it.
                  <Button size="sm" variant="quiet" onClick={startOver}>
                    <RotateCcw aria-hidden />
                    Start over
                  </Button>
                </p>
              ) : null}
            </div>
            {fromCatalog.failure ? <FailureNotice failure={fromCatalog.failure} /> : null}
            {bodies[step]}
            {deployment.failure ? <FailureNotice failure={deployment.failure} /> : null}
            {root ? (
              <p role="alert" className="text-sm text-bad">
                {root}
              </p>
            ) : null}
          </div>
          <footer className="flex flex-wrap items-center justify-between gap-2 border-t border-line px-4 py-3.5 sm:px-6">
            {step === 'source' ? (
              <span />
            ) : (
              <Button onClick={() => go(STEPS[indexOf(step) - 1]?.id ?? 'source')}>
                <ArrowLeft aria-hidden />
                Back
              </Button>
            )}
            {step === 'review' ? (
              <Button type="submit" variant="primary" busy={deployment.busy}>
                {deployment.busy ? null : <Rocket aria-hidden />}
                Deploy
              </Button>
            ) : (
              <Button type="submit" variant="primary">
                Continue
                <ArrowRight aria-hidden />
              </Button>
            )}
          </footer>
        </form>
      </Card>
    </div>
  )
}

/** Deploys a server in four steps; the step stands in the address, and what was typed stays until it is deployed. */
export function WizardScreen() {
  // What was typed before is known to the browser alone.
  const [start, setStart] = useState<{ initial: DeployValues; restored: boolean } | null>(null)
  useEffect(() => {
    const draft = readDraft(WIZARD_DRAFT, EMPTY_DEPLOY)
    setStart({ initial: draft?.values ?? NEW, restored: draft !== null })
  }, [])
  if (!start) return <PageSkeleton />
  return (
    <>
      <PageHeader
        parent={{ href: '/admin/servers', label: 'Servers' }}
        title="Deploy an MCP server"
        lead="It goes live once it has answered a real MCP handshake."
      />
      <Wizard {...start} />
    </>
  )
}
