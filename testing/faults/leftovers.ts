import { readdir, readFile, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { readEnviron, readProcessTable } from '#dtma/drivers/process/process-table.ts'
import { MARKER_VARIABLE } from '#dtma/drivers/process/server-command.ts'
import { UID_REGISTER } from '#dtma/drivers/process/uid-claims.ts'

/**
 * Everything on this machine that belongs to servers of the agent at `agentHome`: processes by user, mark and working folder,
 * folders, declared data, logs, noted pids, claimed users. With `ids`, of instances and of servers, only what is of those.
 */
export async function leftoversOf(agentHome: string, ids?: readonly string[]): Promise<string[]> {
  const isMeant = (text: string) => ids === undefined || ids.some((id) => text.includes(id))
  const found: string[] = []
  for (const folder of ['servers', 'data', 'logs', join('state', 'pids')]) {
    for (const name of await names(join(agentHome, folder))) {
      if (isMeant(name)) found.push(join(folder, name))
    }
  }
  const servers = join(agentHome, 'servers')
  const data = join(agentHome, 'data')
  const uids = new Set<number>()
  for (const uid of await names(UID_REGISTER)) {
    const folder = await readFile(join(UID_REGISTER, uid), 'utf8').catch(() => '')
    const isOurs = folder.startsWith(`${servers}/`) || folder.startsWith(`${data}/`)
    if (!isOurs || !isMeant(folder)) continue
    uids.add(Number(uid))
    found.push(`user ${uid} of ${folder}`)
  }
  for (const { pid, zombie, uids: users } of readProcessTable()) {
    if (zombie || pid === process.pid) continue
    const cwd = await readlink(`/proc/${pid}/cwd`).catch(() => '')
    const mark = readEnviron(pid).find((entry) => entry.startsWith(`${MARKER_VARIABLE}=`)) ?? ''
    const isOurs = users.some((uid) => uids.has(uid)) || (cwd.startsWith(servers) && isMeant(cwd))
    if (isOurs || (ids !== undefined && mark !== '' && isMeant(mark))) found.push(`process ${pid} in ${cwd}`)
  }
  return found
}

async function names(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => [])
}
