import { CloudStatus, DecideReap, SetCloudToken } from '#contracts/droplets.ts'
import { getCloudStatus } from '#server/toolboxes/droplets/cloud-status.ts'
import { decideReap } from '#server/toolboxes/droplets/decide-reap.ts'
import { removeCloudToken, setCloudToken } from '#server/toolboxes/droplets/set-token.ts'
import { procedure, router } from '#server/trpc/init.ts'

export const cloud = router({
  status: procedure('admin').output(CloudStatus).query(getCloudStatus),
  setToken: procedure('admin').input(SetCloudToken).output(CloudStatus).mutation(setCloudToken),
  removeToken: procedure('admin').output(CloudStatus).mutation(removeCloudToken),
  decideReap: procedure('admin').input(DecideReap).output(CloudStatus).mutation(decideReap),
})
