'use client'

import { KeyRound } from 'lucide-react'
import { EnrollmentProgress } from '#app/components/toolboxes/enrollment-progress.tsx'
import { CodeBlock } from '#app/components/ui/code-block.tsx'
import { RelativeTime } from '#app/components/ui/relative-time.tsx'
import { Tab, TabList, TabPanel, Tabs } from '#app/components/ui/tabs.tsx'
import { trpc } from '#app/trpc/client.ts'
import { HEARTBEAT_SECONDS } from '#contracts/dtma.ts'
import type { Enrollment } from '#contracts/toolboxes.ts'

/** Events make the toolbox fresh; this covers a stream that is broken. */
const REFETCH_MS = (HEARTBEAT_SECONDS * 1000) / 3

/** The three ways to install an agent, and what becomes of it while one looks. */
export function EnrollmentSteps({ enrollment }: { enrollment: Enrollment }) {
  const { commands, script, toolboxId } = enrollment
  const toolbox = trpc.toolboxes.get.useQuery({ id: toolboxId }, { refetchInterval: REFETCH_MS })
  return (
    <div className="grid gap-5">
      <p className="flex items-start gap-2.5 rounded-xl border border-brass/60 bg-warn-soft p-4 text-sm">
        <KeyRound aria-hidden className="mt-0.5 size-4 shrink-0 text-warn" />
        <span>
          The commands hold a token that works once and expires <RelativeTime at={enrollment.expiresAt} />. It
          is stored as a hash and cannot be shown again; a new one can be made on the page of the toolbox.
        </span>
      </p>
      <Tabs defaultValue="piped">
        <TabList label="Ways to install the agent">
          <Tab value="piped">One line</Tab>
          <Tab value="checked">Check it first</Tab>
          <Tab value="docker">In Docker</Tab>
        </TabList>
        <TabPanel value="piped" className="grid gap-3">
          <p className="text-sm text-muted">
            Run this on the machine. It installs into /opt/toolberth-agent, keeps its state in
            /var/lib/toolberth-agent, and starts as a service.
          </p>
          <CodeBlock code={commands.piped} what="command" />
        </TabPanel>
        <TabPanel value="checked" className="grid gap-3">
          <p className="text-sm text-muted">
            Fetches the script, compares it with the checksum below, and lets you read it before it runs. The
            script in turn checks the agent.
          </p>
          <CodeBlock code={commands.checked} what="commands" />
          <p className="text-[0.8125rem] text-muted">
            SHA-256 of the script: <code className="font-mono break-all text-ink">{script.sha256}</code>
          </p>
        </TabPanel>
        <TabPanel value="docker" className="grid gap-3">
          <p className="text-sm text-muted">
            For a machine with Docker. The agent gets the engine's socket, which is as much as root, and the
            network of the machine, so that Toolberth can reach it.
          </p>
          <CodeBlock code={commands.docker} what="command" />
        </TabPanel>
      </Tabs>
      {toolbox.data ? <EnrollmentProgress toolbox={toolbox.data} /> : null}
    </div>
  )
}
