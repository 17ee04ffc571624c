import { tracked } from '@trpc/server'
import { z } from 'zod'
import { GetUsage, Usage } from '#contracts/calls.ts'
import {
  DeployAnswer,
  Deployment,
  RedeployAnswer,
  RedeployServer,
  RollbackServer,
} from '#contracts/deployments.ts'
import { FollowLogsInput, Logs, LogsInput } from '#contracts/logs.ts'
import {
  ById,
  DeleteServer,
  DeployServer,
  GrantServer,
  RevisionView,
  ServerGet,
  ServerList,
  ServerSummary,
  UpdateAnswer,
  UpdateServer,
} from '#contracts/servers.ts'
import { serverUsage } from '#server/calls/usage.ts'
import { cancelDeployment } from '#server/deployments/cancel.ts'
import { createDeployment } from '#server/deployments/create.ts'
import { listDeployments } from '#server/deployments/list.ts'
import { redeployServer } from '#server/deployments/redeploy.ts'
import { listRevisions } from '#server/deployments/revisions.ts'
import { rollbackServer } from '#server/deployments/rollback.ts'
import { updateServer } from '#server/deployments/update.ts'
import { streamSignal } from '#server/events/streams.ts'
import { getServer } from '#server/mcp-servers/get.ts'
import { grantServer, revokeServer } from '#server/mcp-servers/grant.ts'
import { listServers } from '#server/mcp-servers/list.ts'
import { readLogs } from '#server/mcp-servers/logs.ts'
import { followLogs } from '#server/mcp-servers/logs-follow.ts'
import { deleteServer, restartServer, startServer, stopServer } from '#server/mcp-servers/want.ts'
import { procedure, router } from '#server/trpc/init.ts'

export const servers = router({
  deploy: procedure('admin').input(DeployServer).output(DeployAnswer).mutation(createDeployment),
  list: procedure('signed-in').output(ServerList).query(listServers),
  get: procedure('signed-in').input(ById).output(ServerGet).query(getServer),
  start: procedure('admin').input(ById).output(ServerSummary).mutation(startServer),
  stop: procedure('admin').input(ById).output(ServerSummary).mutation(stopServer),
  restart: procedure('admin').input(ById).output(ServerSummary).mutation(restartServer),
  redeploy: procedure('admin').input(RedeployServer).output(RedeployAnswer).mutation(redeployServer),
  update: procedure('admin').input(UpdateServer).output(UpdateAnswer).mutation(updateServer),
  rollback: procedure('admin').input(RollbackServer).output(RedeployAnswer).mutation(rollbackServer),
  revisions: procedure('admin').input(ById).output(z.array(RevisionView)).query(listRevisions),
  delete: procedure('admin').input(DeleteServer).output(ServerSummary).mutation(deleteServer),
  cancel: procedure('admin').input(ById).output(Deployment).mutation(cancelDeployment),
  deployments: procedure('admin').input(ById).output(z.array(Deployment)).query(listDeployments),
  logs: procedure('admin').input(LogsInput).output(Logs).query(readLogs),
  followLogs: procedure('admin')
    .input(FollowLogsInput)
    .subscription(async function* ({ ctx, input, signal }) {
      const messages = followLogs({ ctx, input, signal: streamSignal(signal) })
      for await (const { cursor, message } of messages) yield tracked(cursor, message)
    }),
  usage: procedure('admin').input(GetUsage).output(Usage).query(serverUsage),
  grant: procedure('admin').input(GrantServer).output(ServerSummary).mutation(grantServer),
  revoke: procedure('admin').input(GrantServer).output(ServerSummary).mutation(revokeServer),
})
