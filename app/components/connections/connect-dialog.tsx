'use client'

import { zodResolver } from '@hookform/resolvers/zod'
import { CircleCheck } from 'lucide-react'
import { Fragment, useEffect, useState } from 'react'
import { useForm } from 'react-hook-form'
import { ConfigureStep } from '#app/components/connections/configure-step.tsx'
import {
  type ConnectValues,
  connectForm,
  dropConnectDraft,
  keepConnectDraft,
  readConnectDraft,
  toCreateInput,
  toTestInput,
} from '#app/components/connections/connect-values.ts'
import { TestProgress } from '#app/components/connections/test-progress.tsx'
import { TestVerdict } from '#app/components/connections/test-verdict.tsx'
import { useConnectionTest } from '#app/components/connections/use-connection-test.ts'
import { WizardSteps } from '#app/components/connections/wizard-steps.tsx'
import { Button } from '#app/components/ui/button.tsx'
import { Dialog } from '#app/components/ui/dialog.tsx'
import { FailureNotice } from '#app/components/ui/failure-notice.tsx'
import { showFieldErrors } from '#app/components/ui/form-failure.ts'
import { plural } from '#app/components/ui/format.ts'
import { ToolList } from '#app/components/ui/tool-list.tsx'
import { trpc } from '#app/trpc/client.ts'
import { describeFailure, readFailure } from '#app/trpc/failure.ts'
import type { Agent, AvailableServer } from '#contracts/agents.ts'

interface ConnectDialogProps {
  agent: Agent
  server: AvailableServer
  onClose: () => void
  onSetUp: () => void
}

/** Configure, test, confirm, done: a connection is made only after a handshake that passed. */
export function ConnectDialog({ agent, server, onClose, onSetUp }: ConnectDialogProps) {
  const [step, setStep] = useState<'configure' | 'test' | 'confirm' | 'done'>('configure')
  const form = useForm<ConnectValues>({
    defaultValues: readConnectDraft(agent.id, server.id, server),
    resolver: zodResolver(connectForm(server)),
  })
  const { start, cancel, cancelling, test, running, failure } = useConnectionTest(agent.id, server.id)
  const utils = trpc.useUtils()
  const connect = trpc.connections.create.useMutation({
    onSuccess: () => {
      dropConnectDraft(agent.id, server.id)
      setStep('done')
      void utils.connections.list.invalidate({ agentId: agent.id })
      void utils.connections.available.invalidate({ agentId: agent.id })
      void utils.agents.invalidate()
    },
    onError: (error) => {
      const { code, fields } = readFailure(error)
      if (code !== 'SLUG_TAKEN' && !fields.slug) return
      setStep('configure')
      showFieldErrors(form, error, { SLUG_TAKEN: 'slug' })
    },
  })

  const passed = test?.state === 'passed'
  useEffect(() => {
    if (passed) setStep((now) => (now === 'test' ? 'confirm' : now))
  }, [passed])

  const runTest = () => {
    connect.reset()
    setStep('test')
    start(toTestInput(form.getValues()))
  }
  const close = () => {
    if (running) cancel()
    if (step !== 'done') keepConnectDraft(agent.id, server.id, form.getValues())
    onClose()
  }
  const configured = form.handleSubmit(runTest)
  const verdict = failure ?? (test?.failure && !running ? describeFailure(test.failure) : null)
  const connectError = connect.error ? readFailure(connect.error) : null

  const footers = {
    configure: (
      <>
        <Button onClick={close}>Cancel</Button>
        <Button type="submit" form="connect-form" variant="primary">
          Test connection
        </Button>
      </>
    ),
    test: (
      <>
        {running ? (
          <Button busy={cancelling} onClick={cancel}>
            Cancel test
          </Button>
        ) : (
          <Button onClick={() => setStep('configure')}>Back</Button>
        )}
        <Button variant="primary" busy={running} onClick={runTest}>
          {running ? 'Testing' : 'Test again'}
        </Button>
      </>
    ),
    confirm: (
      <>
        <Button onClick={() => setStep('configure')} disabled={connect.isPending}>
          Back
        </Button>
        {connectError?.code === 'TEST_NOT_PASSED' ? (
          <Button variant="primary" onClick={runTest}>
            Test again
          </Button>
        ) : (
          <Button
            variant="primary"
            busy={connect.isPending}
            onClick={() =>
              connect.mutate({
                agentId: agent.id,
                serverId: server.id,
                ...(test ? { testId: test.id } : {}),
                ...toCreateInput(form.getValues()),
              })
            }
          >
            Connect
          </Button>
        )}
      </>
    ),
    done: (
      <>
        <Button onClick={onSetUp}>Set up an MCP client</Button>
        <Button variant="primary" onClick={onClose}>
          Done
        </Button>
      </>
    ),
  }

  return (
    <Dialog
      open
      onOpenChange={close}
      wide
      title={`Connect ${server.name}`}
      description={`to the agent ${agent.name}`}
      footer={<Fragment key={step}>{footers[step]}</Fragment>}
    >
      <WizardSteps current={step} />
      {step === 'configure' ? <ConfigureStep form={form} server={server} onSubmit={configured} /> : null}
      {step === 'test' ? (
        <div className="grid gap-4">
          {verdict ? <FailureNotice failure={verdict} /> : null}
          {test?.state === 'cancelled' && !running ? (
            <p className="rounded-xl bg-sunken px-4 py-3.5 text-sm">
              The test was cancelled. Nothing was connected; go back to change something, or test again.
            </p>
          ) : null}
          {test || running ? <TestProgress test={test} /> : null}
        </div>
      ) : null}
      {step === 'confirm' && test?.result ? (
        <div className="grid gap-4">
          <TestVerdict result={test.result} {...form.getValues()} />
          {connectError ? <FailureNotice failure={connectError} /> : null}
        </div>
      ) : null}
      {step === 'done' && connect.data ? (
        <div className="grid gap-4">
          <p role="status" className="flex items-start gap-3 rounded-xl bg-ok-soft px-4 py-3.5 text-sm">
            <CircleCheck aria-hidden className="mt-0.5 size-5 shrink-0 text-ok" />
            <span>
              <strong className="font-semibold text-ok">{server.name} is connected.</strong> {agent.name} can
              call {plural(connect.data.tools.length, 'tool')} of it now.
            </span>
          </p>
          <ToolList tools={connect.data.tools} empty="It offers no tools" />
        </div>
      ) : null}
    </Dialog>
  )
}
