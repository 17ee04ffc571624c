import { waitForDeployment } from '#client/wait-for-deployment.ts'
import type { CliContext } from './context.ts'
import type { Asked, Variables } from './values.ts'

export type DeployOptions = {
  name?: string
  packageVersion?: string
  bin?: string
  arg: string[]
  env: Variables
  secret: Variables
  userEnv: Asked[]
  userHeader: Asked[]
  sharing?: 'shared' | 'isolated'
  transport: 'stdio' | 'streamable-http'
  toolbox?: string
  timeout: number
  wait: boolean
}

/** Deploys an npm package and, unless told otherwise, waits until it is live. */
export async function deploy(
  context: CliContext,
  packageName: string,
  options: DeployOptions,
): Promise<void> {
  const { toolberth, answer, note } = context
  const { packageVersion, bin, arg, toolbox, transport, sharing } = options
  const userCredentials = [
    ...options.userEnv.map((one) => ({ kind: 'env' as const, ...one })),
    ...options.userHeader.map((one) => ({ kind: 'header' as const, ...one })),
  ]
  const name = options.name ?? nameFrom(packageName)
  const deployed = await toolberth.servers.deploy.mutate({
    name,
    source: {
      type: 'npm',
      package: packageName,
      ...(packageVersion !== undefined && { version: packageVersion }),
      ...(bin !== undefined && { bin }),
      ...(arg.length > 0 && { args: arg }),
    },
    transport,
    env: { ...options.env, ...options.secret },
    ...(userCredentials.length > 0 && { userCredentials }),
    ...(sharing !== undefined && { sharing }),
    ...(toolbox !== undefined && { toolboxId: toolbox }),
  })
  if (!options.wait) return answer(deployed, `${name} is ${deployed.status}.`)
  const { server, deployment } = await waitForDeployment(toolberth, {
    ...deployed,
    timeoutMs: options.timeout * 1000,
    onEvent: ({ data }) => note([data.state, data.phase].filter(Boolean).join(': ')),
  })
  const tools = server.tools.map((tool) => tool.name)
  answer(
    { ...deployed, status: deployment.state, name, state: server.state, tools },
    `${name} is live with ${tools.length} tools: ${tools.join(', ')}`,
  )
}

/** "@scope/server-memory@1" is called "server-memory". */
function nameFrom(packageName: string): string {
  const last = packageName.split('/').at(-1) ?? packageName
  return last
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, 40)
    .replaceAll(/^-|-$/g, '')
}
