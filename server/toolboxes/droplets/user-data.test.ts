import { execFile } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { BOOTSTRAP_SCRIPT } from './bootstrap-script.ts'
import { composeUserData } from './user-data.ts'

const TOKEN = 'tbe_secret-token'
const settings = {
  controlPlaneUrl: 'https://toolberth.example.test',
  token: TOKEN,
  installerSha256: 'a'.repeat(64),
}

interface CloudConfig {
  write_files: { path: string; permissions: string; owner: string; content: string }[]
  runcmd: string[][]
}

describe('user data', () => {
  it('is a cloud-config that keeps the token to root, and runs one file', () => {
    const text = composeUserData(settings)
    expect(text.startsWith('#cloud-config\n')).toBe(true)
    const { write_files: files, runcmd } = parse(text) as CloudConfig
    expect(files.find(({ path }) => path.endsWith('/token'))).toEqual({
      path: '/etc/toolberth/token',
      owner: 'root:root',
      permissions: '0600',
      content: `${TOKEN}\n`,
    })
    expect(files.every(({ permissions }) => permissions === '0600' || permissions === '0700')).toBe(true)
    expect(runcmd).toEqual([['/etc/toolberth/bootstrap']])
    expect(files.filter(({ content }) => content.includes(TOKEN))).toHaveLength(1)
  })

  it('holds every value as it is, whatever is in it', () => {
    const nasty = `x'; rm -rf / #\n$(id) \`id\` "\${HOME}"`
    const { write_files: files } = parse(
      composeUserData({ ...settings, controlPlaneUrl: nasty }),
    ) as CloudConfig
    expect(files.find(({ path }) => path.endsWith('/CONTROL_PLANE_URL'))?.content).toBe(`${nasty}\n`)
    expect(files.find(({ path }) => path.endsWith('/bootstrap'))?.content).toBe(BOOTSTRAP_SCRIPT)
  })

  it('past what DigitalOcean takes is refused', () => {
    expect(Buffer.byteLength(composeUserData(settings))).toBeLessThan(8 * 1024)
    expect(() => composeUserData({ ...settings, token: 'x'.repeat(65 * 1024) })).toThrow('past 65536')
  })
})

describe('the script that it runs', () => {
  const folders: string[] = []
  afterEach(() => {
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
  })

  /** Runs it with programs of ours in place of the system's; each notes how it was called. */
  async function run(programs: Record<string, string> = {}): Promise<{
    code: number
    calls: string[]
    reports: { step: string; state: string; message: string; token: string }[]
    folder: string
  }> {
    const folder = mkdtempSync(join(tmpdir(), 'toolberth-droplet-'))
    folders.push(folder)
    const installer = '#!/bin/sh\necho "installer $*" >>"$TOOLBERTH_FOLDER/calls"\n'
    const stubs: Record<string, string> = {
      'apt-get': '',
      ufw: '',
      systemctl: '',
      sha256sum: 'cat >/dev/null',
      curl: `case "$*" in
        *dtma/bootstrap*) cat >>"$TOOLBERTH_FOLDER/reports"; echo >>"$TOOLBERTH_FOLDER/reports" ;;
        *ipv4*) echo 203.0.113.7 ;;
        *install.sh*) cp "$TOOLBERTH_FOLDER/given" "$TOOLBERTH_FOLDER/installer" ;;
      esac`,
      ...programs,
    }
    for (const [name, body] of Object.entries(stubs)) {
      const note = name === 'curl' ? '' : `echo "${name} $*" >>"$TOOLBERTH_FOLDER/calls"\n`
      writeFileSync(join(folder, name), `#!/bin/sh\n${note}${body}\n`)
      chmodSync(join(folder, name), 0o755)
    }
    const files = {
      token: TOKEN,
      CONTROL_PLANE_URL: settings.controlPlaneUrl,
      INSTALLER_SHA256: 'a',
      AGENT_PORT: '7443',
      given: installer,
      bootstrap: BOOTSTRAP_SCRIPT,
    }
    for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), `${content}\n`)
    const code = await new Promise<number>((resolve) => {
      execFile(
        '/bin/sh',
        [join(folder, 'bootstrap')],
        {
          env: {
            ...process.env,
            PATH: `${folder}:/usr/bin:/bin`,
            TOOLBERTH_FOLDER: folder,
            TOOLBERTH_METADATA: 'http://metadata',
          },
        },
        (error) => resolve(typeof error?.code === 'number' ? error.code : 0),
      )
    })
    const read = (name: string) =>
      existsSync(join(folder, name)) ? readFileSync(join(folder, name), 'utf8').trim().split('\n') : []
    return { code, folder, calls: read('calls'), reports: read('reports').map((line) => JSON.parse(line)) }
  }

  it('closes the firewall first, installs Docker and the agent, and tells each step', async () => {
    const { code, calls, reports, folder } = await run()
    expect(code).toBe(0)
    expect(reports.map(({ step, state }) => `${step} ${state}`)).toEqual([
      'firewall running',
      'docker running',
      'address running',
      'installer running',
      'agent running',
    ])
    expect(calls.filter((call) => call.startsWith('ufw'))).toEqual([
      'ufw --force reset',
      'ufw default deny incoming',
      'ufw default allow outgoing',
      'ufw allow 7443/tcp',
      'ufw --force enable',
    ])
    expect(calls.at(-1)).toBe(
      `installer --token-file ${folder}/token --address 203.0.113.7 --port 7443 --driver docker`,
    )
    expect(existsSync(join(folder, 'token'))).toBe(false)
    expect(calls.join()).not.toContain(TOKEN)
  })

  it.each([
    ['firewall', { ufw: 'echo "ufw: no such rule" >&2; exit 3' }, /ended with 3: ufw: no such rule/],
    [
      'docker',
      { 'apt-get': 'case "$*" in *docker*) echo "E: no \\"docker.io\\""; exit 100 ;; esac' },
      /E: no docker\.io/,
    ],
    ['installer', { sha256sum: 'echo "installer: FAILED"; exit 1' }, /FAILED/],
    [
      'address',
      {
        curl: 'case "$*" in *dtma/bootstrap*) cat >>"$TOOLBERTH_FOLDER/reports"; echo >>"$TOOLBERTH_FOLDER/reports" ;; *) exit 7 ;; esac',
      },
      /ended with 7/,
    ],
  ])(
    'F14: tells that step %s failed, with its last words, and goes no further',
    async (step, programs, message) => {
      const { code, calls, reports, folder } = await run(programs)
      expect(code).not.toBe(0)
      expect(reports.at(-1)).toMatchObject({
        step,
        state: 'failed',
        token: TOKEN,
        message: expect.stringMatching(message),
      })
      expect(calls.join()).not.toContain('installer --token')
      expect(existsSync(join(folder, 'token'))).toBe(false)
    },
  )
})
