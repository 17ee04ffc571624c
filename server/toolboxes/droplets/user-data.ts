import { stringify } from 'yaml'
import { AppError } from '#server/errors.ts'
import { BOOTSTRAP_SCRIPT } from './bootstrap-script.ts'

/** The port that the agent on a droplet listens on; the only one that its firewall lets in. */
export const AGENT_PORT = 7443
/** DigitalOcean refuses more. */
const MAX_BYTES = 64 * 1024

const FOLDER = '/etc/toolberth'

export interface Bootstrap {
  /** Origin of this installation, as the droplet reaches it. */
  controlPlaneUrl: string
  /** One-time enrolment token: the only secret that goes there. */
  token: string
  /** SHA-256 of the installer that is fetched from this installation, in hex. */
  installerSha256: string
}

/**
 * What cloud-init does on a new droplet: firewall, Docker, agent; each failure is told to this installation. Values are put into
 * files of their own and never into the script's text. Throws AppError INTERNAL past DigitalOcean's limit.
 */
export function composeUserData({ controlPlaneUrl, token, installerSha256 }: Bootstrap): string {
  const settings = { CONTROL_PLANE_URL: controlPlaneUrl, INSTALLER_SHA256: installerSha256, AGENT_PORT }
  const text = `#cloud-config\n${stringify(
    {
      // Nobody signs in: the machine is its agent's alone.
      ssh_pwauth: false,
      disable_root: true,
      write_files: [
        { path: `${FOLDER}/token`, owner: 'root:root', permissions: '0600', content: `${token}\n` },
        ...Object.entries(settings).map(([name, value]) => ({
          path: `${FOLDER}/${name}`,
          owner: 'root:root',
          permissions: '0600',
          content: `${value}\n`,
        })),
        { path: `${FOLDER}/bootstrap`, owner: 'root:root', permissions: '0700', content: BOOTSTRAP_SCRIPT },
      ],
      runcmd: [[`${FOLDER}/bootstrap`]],
    },
    { lineWidth: 0 },
  )}`
  const bytes = Buffer.byteLength(text)
  if (bytes > MAX_BYTES) throw new AppError('INTERNAL', `user data of ${bytes} bytes is past ${MAX_BYTES}`)
  return text
}
