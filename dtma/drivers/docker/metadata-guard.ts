import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)
/** Every cloud answers its metadata, credentials included, over HTTP in this range; 169.254.169.254 above all. */
const METADATA_RANGE = '169.254.0.0/16'
const COMMENT = 'toolberth: no cloud metadata for servers'

/** Keeps containers with an address in the pool from the metadata of the cloud that the machine is in. */
export type MetadataGuard = {
  /** Puts the rule in place unless it is there. False when that cannot be done here. */
  ensure(): Promise<boolean>
}

/**
 * One rule in the table `raw`, which is looked at before anything that Docker, a firewall or a local proxy set up, and holds for
 * our own addresses only. Port 53 stays open, for one cloud's name server has the same address. `program` is iptables, and
 * what has to stand in front of it.
 */
export function createMetadataGuard(pool: string, program: readonly string[] = ['iptables']): MetadataGuard {
  const [command = 'iptables', ...before] = program
  const rule = [
    'PREROUTING',
    ...['-s', pool, '-d', METADATA_RANGE, '-p', 'tcp', '!', '--dport', '53'],
    ...['-m', 'comment', '--comment', COMMENT, '-j', 'DROP'],
  ]
  const iptables = (action: string) =>
    run(command, [...before, '-w', '5', '-t', 'raw', action, ...rule], { timeout: 10_000 }).then(
      () => true,
      () => false,
    )
  let pending: Promise<boolean> | null = null
  return {
    ensure() {
      pending ??= iptables('-C')
        .then(async (there) => there || (await iptables('-I')))
        .finally(() => {
          pending = null
        })
      return pending
    },
  }
}
