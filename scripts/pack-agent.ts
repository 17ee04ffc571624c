import { fileURLToPath } from 'node:url'
import { packAgent } from './pack-agent/pack.ts'
import { packNode } from './pack-agent/pack-node.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '')

const out = `${ROOT}/dist/agent`

await packNode(out)
console.log(`dist/agent/agent.tgz ${await packAgent(ROOT, out)}`)
