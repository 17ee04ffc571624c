import { z } from 'zod'
import {
  Agent,
  AgentGet,
  AgentList,
  AgentWithToken,
  CreateAgent,
  RotateToken,
  UpdateAgent,
} from '#contracts/agents.ts'
import { GetUsage, Usage } from '#contracts/calls.ts'
import { Id } from '#contracts/names.ts'
import { ById } from '#contracts/servers.ts'
import { createAgent } from '#server/agents/create.ts'
import { deleteAgent } from '#server/agents/delete.ts'
import { getAgent, listAgents } from '#server/agents/list.ts'
import { rotateAgentToken, updateAgent } from '#server/agents/update.ts'
import { agentUsage } from '#server/calls/usage.ts'
import { procedure, router } from '#server/trpc/init.ts'

export const agents = router({
  create: procedure('signed-in').input(CreateAgent).output(AgentWithToken).mutation(createAgent),
  list: procedure('signed-in').output(AgentList).query(listAgents),
  get: procedure('signed-in').input(ById).output(AgentGet).query(getAgent),
  update: procedure('signed-in').input(UpdateAgent).output(Agent).mutation(updateAgent),
  delete: procedure('signed-in')
    .input(ById)
    .output(z.object({ id: Id }))
    .mutation(deleteAgent),
  usage: procedure('signed-in').input(GetUsage).output(Usage).query(agentUsage),
  rotateToken: procedure('signed-in').input(RotateToken).output(AgentWithToken).mutation(rotateAgentToken),
})
