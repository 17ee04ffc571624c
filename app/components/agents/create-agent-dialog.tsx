'use client'

import { useRouter } from 'next/navigation'
import { useAgentTokens } from '#app/components/agents/agent-tokens.tsx'
import { NameDialog } from '#app/components/agents/name-dialog.tsx'
import { Button } from '#app/components/ui/button.tsx'
import { Dialog } from '#app/components/ui/dialog.tsx'
import { SecretOnce } from '#app/components/ui/secret-once.tsx'
import { trpc } from '#app/trpc/client.ts'

/** Makes an agent and shows its token this once, then leads to its page. */
export function CreateAgentDialog({ onClose }: { onClose: () => void }) {
  const router = useRouter()
  const utils = trpc.useUtils()
  const { remember } = useAgentTokens()
  const create = trpc.agents.create.useMutation({
    onSuccess: (agent) => {
      remember(agent.id, agent.token)
      return utils.agents.list.invalidate()
    },
  })
  const agent = create.data
  if (!agent)
    return (
      <NameDialog
        title="Create an agent"
        description="An agent is what your MCP client signs in as; it gets one URL and one token."
        submit="Create agent"
        name=""
        busy={create.isPending}
        error={create.error}
        onSubmit={(name) => create.mutate({ name })}
        onClose={onClose}
      />
    )
  return (
    <Dialog
      open
      modalOnly
      onOpenChange={onClose}
      title={`The agent ${agent.name} is ready`}
      footer={
        <>
          <Button onClick={onClose}>Close</Button>
          <Button variant="primary" onClick={() => router.push(`/agents/${agent.id}`)}>
            Open agent
          </Button>
        </>
      }
    >
      <div className="grid gap-4">
        <SecretOnce secret={agent.token} what="token" />
        <p className="text-sm text-muted">
          Next, connect it to servers. Its page has ready configuration for your MCP client, with this token
          filled in as long as you do not reload.
        </p>
      </div>
    </Dialog>
  )
}
