import { fileURLToPath } from 'node:url'
import { packAgent } from './pack-agent/pack.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '')

console.log(`dist/agent/agent.tgz ${await packAgent(ROOT, `${ROOT}/dist/agent`)}`)
