import type { Page } from '@playwright/test'
import { expect, expectAccessible, test } from '#e2e/fixtures.ts'

const EVERYTHING = '@modelcontextprotocol/server-everything'

const packageBox = (page: Page) => page.getByRole('textbox', { name: 'npm package' })
const next = (page: Page) => page.getByRole('button', { name: 'Continue' })

/** Chooses npm as the source and names a package. */
async function nameA(page: Page, packageName: string): Promise<void> {
  await page.goto('/admin/servers/new')
  await page.getByRole('radio', { name: /^npm package/ }).check()
  await packageBox(page).fill(packageName)
}

/** From the configuration on, with the toolbox that is suggested. */
async function toReview(page: Page): Promise<void> {
  await next(page).click()
  await expect(page.getByRole('radio', { name: /^Automatic/ })).toBeChecked()
  await next(page).click()
  await expect(page.getByRole('heading', { name: /Review/ })).toBeVisible()
}

test('the wizard checks each step, at its boxes', async ({ adminPage: page }) => {
  await nameA(page, 'https://example.com/package.tgz')
  await next(page).click()
  await expect(packageBox(page)).toHaveAccessibleDescription(/not an npm package name/)
  await expect(packageBox(page)).toBeFocused()
  await packageBox(page).fill(EVERYTHING)
  await next(page).click()
  await expect(page.getByRole('heading', { name: 'Step 2 of 4: Configuration' })).toBeFocused()
  await expect(page.getByLabel('Name', { exact: true })).toHaveValue('everything')
  await page.getByLabel('Name', { exact: true }).fill('No Spaces')
  await page.getByRole('button', { name: 'Add variable' }).click()
  await page.getByLabel('Name of variable 1').fill('PATH')
  await page.getByText('Advanced').click()
  await page.getByLabel('Memory (MiB)').fill('1')
  await page.getByLabel('Keep data in').fill('data')
  await next(page).click()
  await expect(page.getByLabel('Name', { exact: true })).toHaveAccessibleDescription(/lower-case letters/)
  await expect(page.getByText('PATH is set by the toolbox and cannot be given.')).toBeVisible()
  await expect(page.getByText('At least 64 MiB.')).toBeVisible()
  await expect(page.getByLabel('Keep data in')).toHaveAccessibleDescription(/absolute path/i)
  await expect(page).toHaveURL(/step=configuration/)
  await page.goto('/admin/servers/new?step=review')
  await expect(page.getByRole('heading', { name: /Configuration/ }), 'no way past it').toBeVisible()
})

test('back, forward and a reload keep what was typed; secrets are not written down', async ({
  adminPage: page,
}) => {
  await nameA(page, EVERYTHING)
  await page.getByLabel('Version').fill('latest')
  await next(page).click()
  await page.getByLabel('Name', { exact: true }).fill('e2e-draft')
  await page.getByRole('button', { name: 'Add variable' }).click()
  await page.getByLabel('Name of variable 1').fill('API_TOKEN')
  await page.getByLabel('Value of variable 1').fill('typed-secret')
  await expect(page.getByLabel('Value of variable 1')).toHaveAttribute('type', 'password')
  await page.getByRole('button', { name: 'Show value 1' }).click()
  await expect(page.getByLabel('Value of variable 1')).toHaveAttribute('type', 'text')
  await page.goBack()
  await expect(packageBox(page)).toHaveValue(EVERYTHING)
  await page.goForward()
  await expect(page.getByLabel('Value of variable 1')).toHaveValue('typed-secret')
  await page.getByRole('link', { name: 'Toolboxes' }).click()
  await page.getByRole('link', { name: 'local', exact: true }).waitFor()
  await page.goBack()
  await expect(page.getByLabel('Value of variable 1')).toHaveValue('typed-secret')

  const written = await page.evaluate(() =>
    JSON.stringify([Object.entries(sessionStorage), Object.entries(localStorage)]),
  )
  expect(written).toContain('e2e-draft')
  expect(written).not.toContain('typed-secret')
  await page.reload()
  await expect(page.getByLabel('Name', { exact: true })).toHaveValue('e2e-draft')
  await expect(page.getByLabel('Value of variable 1')).toHaveValue('')
  await page.getByRole('button', { name: 'Start over' }).click()
  await page.getByRole('radio', { name: /^npm package/ }).check()
  await expect(packageBox(page)).toHaveValue('')
})

test('a server is deployed by keyboard alone, and its deployment cancelled', async ({
  adminPage: page,
  api,
}) => {
  const name = 'e2e-keyboard'
  await nameA(page, EVERYTHING)
  const press = async (...keys: string[]) => {
    for (const key of keys) await page.keyboard.press(key)
  }
  await press('Enter')
  await expect(page.getByRole('heading', { name: /Configuration/ })).toBeFocused()
  await press('Tab')
  await expect(page.getByLabel('Name', { exact: true })).toBeFocused()
  await press('ControlOrMeta+a')
  await page.keyboard.type(name)
  await press('Enter')
  await expect(page.getByRole('heading', { name: /Toolbox/ })).toBeFocused()
  await page.getByRole('radio', { name: /^local/ }).waitFor()
  await press('Tab')
  await expect(page.getByRole('radio', { name: /^Automatic/ })).toBeFocused()
  await press('ArrowDown')
  await expect(page.getByRole('radio', { name: /^local/ })).toBeChecked()
  await press('Enter')
  await expect(page.getByRole('heading', { name: /Review/ })).toBeFocused()
  // Three parts to edit, the way back, and the button itself.
  await press('Tab', 'Tab', 'Tab', 'Tab', 'Tab')
  await expect(page.getByRole('button', { name: 'Deploy', exact: true })).toBeFocused()
  await press('Enter')
  const cancel = page.getByRole('button', { name: 'Cancel deployment' })
  await cancel.focus()
  await press('Enter')
  await expect(page.getByText('Cancelled', { exact: true })).toBeVisible({ timeout: 30_000 })
  await expect(page.getByRole('button', { name: 'Try again' })).toBeVisible()
  const [server] = (await api.servers.list.query()).items.filter((one) => one.name === name)
  await api.servers.delete.mutate({ id: server?.id ?? '', confirmName: name })
})

test('an entry of the catalog asks for what it needs, and one that needs nothing goes live at once', async ({
  adminPage: page,
  api,
}) => {
  await page.goto('/admin/servers/new?catalog=brave-search')
  await expect(page).toHaveURL(/step=configuration/)
  const key = page.getByLabel('API key', { exact: true })
  await expect(key).toHaveAttribute('type', 'password')
  await next(page).click()
  await expect(key).toHaveAccessibleDescription(/does not run without this/)
  await expect(key).toBeFocused()
  await page.keyboard.type('k')
  await expect(key).not.toHaveAccessibleDescription(/does not run without this/)
  await next(page).click()
  await expect(page.getByRole('heading', { name: /Toolbox/ })).toBeVisible()

  await page.goto('/admin/servers/new')
  await page.getByRole('radio', { name: /^Catalog entry/ }).check()
  await page.getByLabel('Search the catalog').fill('every part of the protocol')
  await page.getByRole('radio', { name: /^Everything/ }).check()
  await page.getByRole('button', { name: 'Quick deploy Everything' }).click()
  const dialog = page.getByRole('dialog', { name: 'Deploy Everything?' })
  const deployNow = dialog.getByRole('button', { name: 'Deploy now' })
  await expect(deployNow, 'the names that are taken are known').not.toHaveAttribute('aria-busy')
  const name = (await dialog.locator('code').textContent()) ?? ''
  await deployNow.click()
  await expect(page.getByText(/It went live after/)).toBeVisible({ timeout: 60_000 })
  const [server] = (await api.servers.list.query()).items.filter((one) => one.name === name)
  const { revision } = await api.servers.get.query({ id: server?.id ?? '' })
  expect(revision?.catalog).toMatchObject({ slug: 'everything' })
  await api.servers.delete.mutate({ id: server?.id ?? '', confirmName: name })
})

test('a pasted configuration gives its servers to choose from', async ({ adminPage: page }) => {
  await page.goto('/admin/servers/new')
  await page.getByRole('radio', { name: /^Pasted configuration/ }).check()
  await next(page).click()
  const box = page.getByLabel('Configuration', { exact: true })
  await expect(box).toHaveAccessibleDescription(/choose the one to deploy/)
  await box.fill('no configuration at all')
  await page.getByRole('button', { name: 'Find its servers' }).click()
  await expect(box).toHaveAccessibleDescription(/JSON|TOML/)
  await box.fill(
    JSON.stringify({
      mcpServers: {
        everything: {
          command: 'npx',
          args: ['-y', EVERYTHING, 'stdio'],
          env: { API_TOKEN: 'pasted-secret', LOG_LEVEL: 'info' },
        },
        python: { command: 'uvx', args: ['some-server'] },
      },
    }),
  )
  await page.getByRole('button', { name: 'Find its servers' }).click()
  const found = page.getByRole('region', { name: 'Servers found' })
  await expect(found.getByText('2 servers found')).toBeVisible()
  await expect(found.getByRole('button', { name: 'Use python' }), 'what cannot be run says why').toHaveCount(
    0,
  )
  await found.getByRole('button', { name: 'Use everything' }).click()
  await expect(packageBox(page)).toHaveValue(EVERYTHING)
  await next(page).click()
  await expect(page.getByLabel('Arguments')).toHaveValue('stdio')
  const written = await page.evaluate(() => JSON.stringify(Object.entries(sessionStorage)))
  expect(written).not.toContain('pasted-secret')
  await page.getByLabel('Name', { exact: true }).fill('e2e-pasted')
  await toReview(page)
  const variables = page.getByRole('region', { name: 'Configuration' })
  await expect(variables).toContainText('API_TOKEN')
  await expect(variables).not.toContainText('pasted-secret')
})

test('what the server refuses is shown where it was typed', async ({ adminPage: page, api }) => {
  const name = 'e2e-taken'
  await nameA(page, EVERYTHING)
  await next(page).click()
  await page.getByLabel('Name', { exact: true }).fill(name)
  await toReview(page)
  // Somebody else takes the name between the review and the deployment.
  const { serverId, deploymentId } = await api.servers.deploy.mutate({
    name,
    source: { type: 'npm', package: EVERYTHING },
    transport: 'stdio',
  })
  await page.getByRole('button', { name: 'Deploy', exact: true }).click()
  const box = page.getByLabel('Name', { exact: true })
  await expect(box).toHaveAccessibleDescription(/There is a server named "e2e-taken" already/)
  await expect(page).toHaveURL(/step=configuration/)
  await api.servers.cancel.mutate({ id: deploymentId }).catch(() => undefined)
  await api.servers.delete.mutate({ id: serverId, confirmName: name })
})

test('every step is accessible and fits, light and dark, wide and narrow', async ({ adminPage: page }) => {
  test.slow()
  await nameA(page, EVERYTHING)
  const look = async () => {
    for (const colorScheme of ['light', 'dark'] as const)
      for (const width of [1440, 390]) {
        await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
        await page.setViewportSize({ width, height: 900 })
        await expectAccessible(page)
        const overhang = await page.evaluate(
          () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
        )
        expect(overhang, 'pixels that stick out sideways').toBe(0)
      }
  }
  await look()
  await next(page).click()
  await page.getByLabel('Name', { exact: true }).fill('e2e-looked-at')
  await page.getByText('Advanced').click()
  await page.getByRole('button', { name: 'Add variable' }).click()
  await page.getByRole('button', { name: 'Ask users for a variable' }).click()
  await look()
  await page.getByRole('button', { name: 'Remove variable 1' }).click()
  await next(page).click()
  await expect(page.getByRole('radio', { name: /^local/ })).toBeVisible()
  await look()
  await next(page).click()
  await expect(page.getByRole('button', { name: 'Deploy', exact: true })).toBeVisible()
  await look()
})

test('two admins edit at once: the second sees what happened, and loses nothing', async ({
  adminPage: page,
  api,
}) => {
  const name = 'e2e-two-admins'
  const { serverId: id } = await api.servers.deploy.mutate({
    name,
    source: { type: 'npm', package: EVERYTHING },
    transport: 'stdio',
    env: { LOG_LEVEL: { value: 'info' } },
  })
  const settled = () =>
    expect
      .poll(async () => (await api.servers.get.query({ id })).deployments[0]?.state, { timeout: 60_000 })
      .toBe('live')
  await settled()
  await page.goto(`/admin/servers/${id}/edit`)
  await page.getByText('Advanced').click()
  await page.getByLabel('Memory (MiB)').fill('384')
  await page.getByLabel('Description').fill('Typed by the second')
  await page.getByRole('button', { name: 'Review changes' }).click()
  await api.servers.update.mutate({ id, env: { LOG_LEVEL: { value: 'debug' } } })
  await settled()
  // The page hears of the other's revision by itself; whichever comes first leads to the same.
  await page
    .getByRole('button', { name: /Deploy changes|Show what changed/ })
    .last()
    .click()
  const meanwhile = page.getByRole('status', { name: 'Saved meanwhile' })
  await expect(meanwhile).toContainText(/saved revision 2 while you were editing/)
  await expect(meanwhile.getByRole('list', { name: 'Changed meanwhile' })).toContainText(
    /LOG_LEVEL.*info.*debug/,
  )
  const mine = page.getByRole('list', { name: 'Changes', exact: true })
  await expect(mine).toContainText(/Memory.*384/)
  await expect(mine).toContainText('Typed by the second')
  await expect(mine).not.toContainText('LOG_LEVEL')
  await expectAccessible(page)
  await page.getByRole('button', { name: 'Deploy changes' }).click()
  await expect(page.getByText(/It went live after/)).toBeVisible({ timeout: 60_000 })
  const { revision, description } = await api.servers.get.query({ id })
  expect(revision).toMatchObject({ number: 3, limits: { memoryMb: 384 }, env: [{ value: 'debug' }] })
  expect(description).toBe('Typed by the second')
  await api.servers.delete.mutate({ id, confirmName: name })
})
