import { expect, type Page } from '@playwright/test'
import type { createToolberthClient } from '#client/index.ts'
import type { DeployServerInput } from '#contracts/servers.ts'

/** Deploys through the wizard, as an admin does; ends on the progress of the deployment. */
export async function deployThroughWizard(
  page: Page,
  { package: packageName, name, env = {} }: { package: string; name: string; env?: Record<string, string> },
): Promise<void> {
  await page.goto('/admin/servers')
  await page.getByRole('link', { name: 'Deploy server' }).click()
  await page.getByRole('radio', { name: /^npm package/ }).check()
  await page.getByRole('textbox', { name: 'npm package' }).fill(packageName)
  const next = page.getByRole('button', { name: 'Continue' })
  await next.click()
  await page.getByLabel('Name', { exact: true }).fill(name)
  for (const [index, [variable, value]] of Object.entries(env).entries()) {
    await page.getByRole('button', { name: 'Add variable' }).click()
    await page.getByLabel(`Name of variable ${index + 1}`).fill(variable)
    await page.getByLabel(`Value of variable ${index + 1}`).fill(value)
  }
  await next.click()
  await expect(page.getByRole('radio', { name: /^Automatic/ })).toBeChecked()
  await next.click()
  await page.getByRole('button', { name: 'Deploy', exact: true }).click()
  await expect(page).toHaveURL(/\/admin\/servers\/[0-9a-f-]{36}\/deployments\/[0-9a-f-]{36}$/)
}

/** Deploys a server by script and waits until it runs. */
export async function deployByScript(
  api: ReturnType<typeof createToolberthClient>,
  name: string,
  env: DeployServerInput['env'] = {},
  change: Partial<DeployServerInput> = {},
): Promise<string> {
  const { serverId } = await api.servers.deploy.mutate({
    name,
    source: { type: 'npm', package: '@modelcontextprotocol/server-everything' },
    transport: 'stdio',
    env,
    ...change,
  })
  await expect
    .poll(async () => (await api.servers.get.query({ id: serverId })).state, { timeout: 60_000 })
    .toBe('running')
  return serverId
}

/** Marks the document, so that a later reload shows. */
export async function watchReloads(page: Page): Promise<void> {
  await page.evaluate(() => {
    document.documentElement.dataset.sameDocument = 'yes'
  })
}

export async function expectNoReload(page: Page): Promise<void> {
  expect(await page.evaluate(() => document.documentElement.dataset.sameDocument), 'page reloaded').toBe(
    'yes',
  )
}
